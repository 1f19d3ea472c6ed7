import { posix } from 'node:path'
import { TspodError } from '../base/errors.js'
import { compileGlob, matchGlob } from './glob.js'

/** An ignore file has no reason to be larger, in bytes; BuildKit's lines end at 64 KiB. */
const maxIgnoreFile = 4 << 20
const maxPatterns = 10_000

/**
 * The patterns of a .dockerignore or .containerignore, cleaned, in their order: comments and blank lines are left out, a
 * slash before a pattern means nothing. `name` is how messages call the file. Throws invalid-argument.
 */
export function readIgnoreFile(content: Buffer | string, name: string): string[] {
  if (content.length > maxIgnoreFile) throw invalid(`${name}: larger than ${String(maxIgnoreFile)} bytes`)
  const text = content.toString('utf8').replace(/^\ufeff/, '')
  const patterns = text.split('\n').flatMap((line) => (line.startsWith('#') ? [] : (cleanLine(line.trim()) ?? [])))
  if (patterns.length > maxPatterns) throw invalid(`${name}: more than ${String(maxPatterns)} patterns`)
  return patterns
}

function cleanLine(line: string): string | undefined {
  if (line === '') return undefined
  const exception = line.startsWith('!')
  const pattern = exception ? line.slice(1).trim() : line
  if (pattern === '') return '!'
  const cleaned = clean(pattern)
  return (exception ? '!' : '') + (cleaned.length > 1 && cleaned.startsWith('/') ? cleaned.slice(1) : cleaned)
}

interface Pattern {
  readonly exception: boolean
  readonly text: string
  readonly matches: (path: string) => boolean
}

/** What a list of patterns hides. Source: the Dockerfile reference, .dockerignore; where it is silent, moby/patternmatcher. */
export class IgnoreMatcher {
  readonly #patterns: readonly Pattern[]

  /** Throws invalid-argument for a pattern that is none. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.flatMap((written) => compile(written.trim()) ?? [])
  }

  /** A pattern begins with `!`: files may be there in folders that are hidden. */
  get hasExceptions(): boolean {
    return this.#patterns.some(({ exception }) => exception)
  }

  /** `*` or `**` hides all that is there. */
  get hidesAll(): boolean {
    return this.#patterns.some(({ exception, text }) => !exception && /^(?:\*|\*\*|\*\*\/\*)$/.test(text))
  }

  /**
   * Whether a path, relative to the context and with slashes, is hidden: as it is found on the way down, where a pattern that
   * has matched a folder has matched what is in it. The last one that has matched decides.
   */
  hides(path: string): boolean {
    let matched = this.#patterns.map(() => false)
    let hidden = false
    for (const part of [...foldersOf(path), path]) {
      hidden = false
      matched = this.#patterns.map(({ exception, matches }, index) => {
        /* One that would change nothing is not looked at, which matters for what is further down. */
        const matching = matched[index] === true || (exception === hidden && matches(part))
        if (matching) hidden = !exception
        return matching
      })
    }
    return hidden
  }
}

/** `a`, `a/b` of `a/b/c`. */
function foldersOf(path: string): string[] {
  const folders: string[] = []
  for (let slash = path.indexOf('/', 1); slash !== -1; slash = path.indexOf('/', slash + 1))
    folders.push(path.slice(0, slash))
  return folders
}

function compile(written: string): Pattern | undefined {
  if (written === '') return undefined
  const exception = written.startsWith('!')
  if (written === '!') throw invalid('illegal exclusion pattern: "!"')
  const text = clean(exception ? written.slice(1) : written)
  const glob = compileGlob(text, true)
  return { exception, text, matches: plainMatcher(text) ?? ((path) => matchGlob(glob, path)) }
}

/** Most patterns are names, `folder/**` or `**` and a name: `**name` then is how a path ends, be it in the midst of a name. */
function plainMatcher(text: string): ((path: string) => boolean) | undefined {
  if (!/[*?[\]\\]/.test(text)) return (path) => path === text
  const ending = text.startsWith('**') ? text.slice(2) : undefined
  if (ending === undefined || /[*?[\]\\]/.test(ending)) return undefined
  return (path) => path.endsWith(ending) || (ending.startsWith('/') && path === ending.slice(1))
}

/** As Go's filepath.Clean has it. */
function clean(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}

function invalid(message: string): TspodError {
  return new TspodError('invalid-argument', message)
}
