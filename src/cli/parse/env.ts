import { invalid, row } from './value.js'

type Env = Readonly<Record<string, string | undefined>>

/** `KEY=VALUE`; `KEY` takes the caller's (nothing, if it has none); `PREFIX*` takes all the caller's that begin so. */
export function parseEnv(text: string, host: Env): readonly (readonly [string, string])[] {
  const equals = text.indexOf('=')
  if (equals === 0 || text === '') throw invalid(`"${text}" has no name before the "="`)
  if (text.includes('\0')) throw invalid('an environment variable has a null character')
  if (equals > 0) return [[text.slice(0, equals), text.slice(equals + 1)]]
  if (text.endsWith('*')) return hostVariables(host).filter(([key]) => key.startsWith(text.slice(0, -1)))
  const value = row(host, text)
  return value === undefined ? [] : [[text, value]]
}

export function hostVariables(host: Env): readonly (readonly [string, string])[] {
  return Object.entries(host).flatMap(([key, value]): (readonly [string, string])[] =>
    value === undefined ? [] : [[key, value]],
  )
}

/** A file of such lines, `#` comments and empty lines between them. Nothing is unquoted, as in Docker. */
export function parseEnvFile(text: string, host: Env, path: string): readonly (readonly [string, string])[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  return lines.flatMap((line, index) => {
    const trimmed = line.trimStart()
    if (trimmed === '' || trimmed.startsWith('#')) return []
    const key = trimmed.split('=', 1)[0] ?? ''
    if (/\s/.test(key.trimEnd())) throw invalid(`${path}, line ${index + 1}: the name "${key}" has white space`)
    return parseEnv(trimmed.includes('=') ? `${key.trimEnd()}${trimmed.slice(key.length)}` : trimmed.trimEnd(), host)
  })
}

/** A file of `KEY=VALUE` lines with `#` comments: `--label-file`. */
export function parseLabelFile(text: string, path: string): readonly (readonly [string, string])[] {
  return parseEnvFile(text.replace(/^(\s*[^#=\s]+)\s*$/gm, '$1='), {}, path)
}
