import { TspodError, type ErrorCode } from '../base/errors.js'

/** What a verb answers: one JSON line. */
export interface InsideResult {
  readonly type: string
  readonly [name: string]: unknown
}

/** Undefined for what is no answer. */
export function parseAnswer(text: string): InsideResult | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
      ? (value as InsideResult)
      : undefined
  } catch {
    /* It was killed before it could answer. */
    return undefined
  }
}

/** The error that an answer tells of; `said` is what the verb and its helpers complained about. */
export function errorOf(result: InsideResult, said: string): TspodError {
  const stage = String(result['stage'])
  const path = typeof result['path'] === 'string' ? `${printable(result['path'])}: ` : ''
  const extra = said.trim() === '' || stage !== 'userns' ? '' : `: ${said.trim().split('\n')[0] ?? ''}`
  const cause = result['errno'] === undefined || result['errno'] === 0 ? '' : systemText(Number(result['errno']), stage)
  return new TspodError(codes[stage] ?? 'internal', `${path}${String(result['message'])}${cause}${extra}`)
}

/** What the kernel said, where it did; a verdict of ours about an archive stands for itself. */
function systemText(errno: number, stage: string): string {
  if (!['userns', 'mount', 'input', 'output', 'write', 'exec'].includes(stage)) return ''
  const texts: Readonly<Record<number, string>> = {
    1: 'operation not permitted',
    2: 'no such file or directory',
    5: 'input/output error',
    12: 'out of memory',
    13: 'permission denied',
    16: 'device or resource busy',
    20: 'not a directory',
    21: 'is a directory',
    22: 'invalid argument',
    24: 'too many open files',
    27: 'file too large',
    28: 'no space left on device',
    30: 'read-only file system',
    36: 'file name too long',
    40: 'too many symbolic links',
    95: 'not supported by the file system',
    122: 'disk quota exceeded',
  }
  return `: ${texts[errno] ?? `errno ${String(errno)}`}`
}

/** A name out of an archive may hold anything; a terminal must not obey it. */
function printable(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text
  return short.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\uFFFD')
}

export function noAnswer(verb: string, said: string): TspodError {
  return new TspodError('internal', `tspod-inside ${verb} gave no answer ${said.trim()}`.trimEnd())
}

/** Longer answers and complaints are cut. */
export const maximumText = 64 * 1024

/** native/inside.h has the stages; who reads a `TspodError` gets these codes. */
const codes: Readonly<Record<string, ErrorCode>> = {
  usage: 'internal',
  userns: 'host-requirement',
  mount: 'host-requirement',
  input: 'io',
  output: 'io',
  digest: 'digest-mismatch',
  compression: 'archive-invalid',
  archive: 'archive-invalid',
  path: 'archive-invalid',
  limit: 'limit-exceeded',
  id: 'host-requirement',
  write: 'io',
  exec: 'io',
  selection: 'invalid-argument',
}

export function startFailure(cause: Error): TspodError {
  return new TspodError('host-requirement', 'tspod-inside could not be started', { cause })
}
