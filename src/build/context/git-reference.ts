import { posix } from 'node:path'
import { TspodError } from '../../base/errors.js'

/** A git repository as builds name it: `https://host/repo.git#ref:folder`, `git@host:repo`, `…?branch=b&subdir=d`. */
export interface GitReference {
  /** What git takes. */
  readonly remote: string
  /** A branch, tag or commit; undefined: the default branch. */
  readonly ref?: string
  /** A folder of the repository, without slashes around. */
  readonly folder?: string
  /** Hexadecimal: the commit must begin so. */
  readonly checksum?: string
  readonly keepGitDir?: boolean
  readonly submodules?: boolean
  /** Files get the commit's time. */
  readonly commitTimes?: boolean
}

const schemes = ['http:', 'https:', 'ssh:', 'git:']
/** USER@HOST:PATH (git-clone(1)), with what builds put behind it. */
const scpLike = /^([a-zA-Z0-9-_]+@[a-zA-Z0-9-_.]+:)([^?#]*)(\?[^#]*)?(#.*)?$/

/**
 * Reads a reference to a git repository; undefined if it is none. HTTP addresses are when their path ends in `.git`.
 * Source: BuildKit, frontend/dockerfile/dfgitutil.
 */
export function parseGitReference(text: string): GitReference | undefined {
  if (/^\.{1,2}\//.test(text)) return undefined
  if (/^github\.com\/./.test(text)) return parseGitReference(`https://${text.replace(/(\.git)?(?=[?#]|$)/, '.git')}`)
  const scheme = /^([a-zA-Z0-9]+):\/\//.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    const scp = scpLike.exec(text)
    return scp === null ? undefined : complete(`${scp[1] ?? ''}${scp[2] ?? ''}`, scp[3] ?? '', scp[4] ?? '', text)
  }
  if (!schemes.includes(`${scheme}:`)) return undefined
  const [, remote = '', query = '', fragment = ''] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(text) ?? []
  const path = URL.canParse(remote) ? new URL(remote).pathname : ''
  if (path === '' || (scheme.startsWith('http') && !path.endsWith('.git'))) return undefined
  return complete(remote, query, fragment, text)
}

type Fields = { -readonly [Name in keyof GitReference]: GitReference[Name] }

function complete(remote: string, query: string, fragment: string, text: string): GitReference {
  const fields: Fields = { remote }
  const [ref = '', folder = ''] = splitOnce(decode(fragment.slice(1)), ':')
  if (ref !== '') fields.ref = ref
  setFolder(fields, folder)
  const seen = new Set<string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (seen.has(name)) throw invalid(text, `query "${name}" has several values`)
    seen.add(name)
    readQuery(fields, name, value, text)
  }
  if (fields.ref !== undefined && !isSafeRef(fields.ref)) throw invalid(text, `"${fields.ref}" is no ref`)
  if (fields.checksum !== undefined && !/^[0-9a-f]{7,64}$/.test(fields.checksum)) {
    throw invalid(text, `"${fields.checksum}" is no commit`)
  }
  return fields
}

function readQuery(fields: Fields, name: string, value: string, text: string): void {
  const flag = name === 'keep-git-dir' || name === 'submodules' || name === 'fetch-by-commit'
  if (value === '' && !flag) throw invalid(text, `query "${name}" has no value`)
  if (name === 'ref') setRef(fields, value, text)
  else if (name === 'tag') setRef(fields, withPrefix('refs/tags/', value), text)
  else if (name === 'branch') setRef(fields, withPrefix('refs/heads/', value), text)
  else if (name === 'subdir') {
    const before = fields.folder
    setFolder(fields, value)
    if (before !== undefined && before !== fields.folder) throw invalid(text, 'two folders are named')
  } else if (name === 'checksum' || name === 'commit') fields.checksum = value.toLowerCase()
  else if (name === 'keep-git-dir') fields.keepGitDir = readFlag(name, value, text)
  else if (name === 'submodules') fields.submodules = readFlag(name, value, text)
  else if (name === 'fetch-by-commit') readFlag(name, value, text)
  else if (name === 'mtime' && (value === 'commit' || value === 'checkout')) fields.commitTimes = value === 'commit'
  else throw invalid(text, `unexpected query "${name}=${value}"`)
}

function setRef(fields: Fields, ref: string, text: string): void {
  if (fields.ref !== undefined && fields.ref !== ref) throw invalid(text, `"${fields.ref}" and "${ref}" are two refs`)
  fields.ref = ref
}

function setFolder(fields: Fields, text: string): void {
  const folder = posix.join('/', text).replace(/^\/+|\/+$/g, '')
  if (folder !== '') fields.folder = folder
}

function withPrefix(prefix: string, value: string): string {
  return value.startsWith(prefix) ? value : `${prefix}${value}`
}

function readFlag(name: string, value: string, text: string): boolean {
  if (value === '' || /^(1|t|true)$/i.test(value)) return true
  if (/^(0|f|false)$/i.test(value)) return false
  throw invalid(text, `invalid ${name} value "${value}"`)
}

/** What git-check-ref-format(1) lets through, and nothing that a command line could take for an option or a refspec. */
function isSafeRef(ref: string): boolean {
  return ref.length <= 1024 && !/^[-+]|\.\.|[\s~^:?*[\\\u0000-\u001f\u007f]|@\{|\.lock$|\/$/.test(ref)
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    /* A percent sign of its own. */
    return text
  }
}

function invalid(text: string, why: string): TspodError {
  return new TspodError('invalid-argument', `git repository ${withoutPassword(text)}: ${why}`)
}

/** For messages. */
export function withoutPassword(text: string): string {
  return text.replace(/^([a-zA-Z0-9]+:\/\/[^/@:]*):[^/@]*@/, '$1:xxxxx@')
}
