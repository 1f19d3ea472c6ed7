import { isatty } from '../base/syscalls.js'
import { TspodError, type CopyEnd } from '../index.js'

/** The two ends of `cp`: `CONTAINER:PATH`, a path of the host, or `-` for an archive. */
export function copyEnds(source: string, target: string): { from: CopyEnd; to: CopyEnd } {
  const from: CopyEnd = source === '-' ? { input: process.stdin as AsyncIterable<Uint8Array> } : parseEnd(source)
  const to: CopyEnd = target === '-' ? { output: requireNoTerminal() } : parseEnd(target)
  if ('container' in from || 'container' in to) return { from, to }
  throw new TspodError('usage', 'at least one end of a copy is in a container: CONTAINER:PATH')
}

/** What begins with a slash or a dot is the host's, whatever colons it has, as in Docker. */
export function parseEnd(text: string): CopyEnd {
  if (text === '') throw new TspodError('usage', 'a path is empty')
  const colon = text.indexOf(':')
  if (colon < 0 || /^[./]/.test(text)) return { path: text }
  const [container, path] = [text.slice(0, colon), text.slice(colon + 1)]
  if (container === '') throw new TspodError('usage', `"${text}" names no container`)
  if (path === '') throw new TspodError('usage', `"${text}" has no path`)
  return { container, path: path.startsWith('/') ? path : `/${path}` }
}

function requireNoTerminal(): number {
  if (isatty(1)) throw new TspodError('usage', 'refusing to write an archive to a terminal: redirect stdout')
  return 1
}
