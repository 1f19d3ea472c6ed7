import { invalid } from '../error.js'

/** `# check=skip=RULE,RULE;error=true;experimental=all`, in a comment or from the command line. */
export interface CheckOptions {
  readonly skip: 'all' | ReadonlySet<string>
  readonly experimental: 'all' | ReadonlySet<string>
  /** Warnings make the build fail. */
  readonly error: boolean
}

/** Throws dockerfile-invalid. */
export function parseCheckOptions(text: string): CheckOptions {
  let options: CheckOptions = { skip: new Set(), experimental: new Set(), error: false }
  if (text === '') return options
  for (const part of text.split(';')) {
    const equals = part.indexOf('=')
    const name = part.slice(0, Math.max(equals, 0)).trim()
    const value = part.slice(equals + 1).trim()
    if (name === 'skip' || name === 'experimental') options = { ...options, [name]: rulesOf(value) }
    else if (name === 'error') options = { ...options, error: truth(value, part) }
    else throw invalid(`invalid check option "${part}": use skip, experimental or error`)
  }
  return options
}

/** What a comment before an instruction says, for that one. */
export function mergedWithComments(options: CheckOptions, comments: readonly string[]): CheckOptions {
  for (const comment of comments) {
    const [, text] = /^check\s*=\s*(\S+)/i.exec(comment) ?? []
    if (text === undefined) continue
    const own = parseCheckOptions(text)
    return {
      skip: union(options.skip, own.skip),
      experimental: union(options.experimental, own.experimental),
      error: options.error,
    }
  }
  return options
}

function rulesOf(value: string): CheckOptions['skip'] {
  return value === 'all' ? 'all' : new Set(value.split(',').map((rule) => rule.trim()))
}

function union(a: CheckOptions['skip'], b: CheckOptions['skip']): CheckOptions['skip'] {
  return a === 'all' || b === 'all' ? 'all' : new Set([...a, ...b])
}

function truth(value: string, part: string): boolean {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(value)) return true
  if (/^(?:0|f|F|false|FALSE|False)$/.test(value)) return false
  throw invalid(`invalid check option "${part}": error is true or false`)
}
