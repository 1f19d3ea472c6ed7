import { posix } from 'node:path'

/** WORKDIR: a relative path continues from the one before. Absolute, without `.`, `..` and a slash at its end. */
export function nextWorkdir(current: string | undefined, path: string): string {
  return withoutEndSlash(posix.join('/', path.startsWith('/') ? '' : (current ?? '/'), path))
}

/** The destination of COPY and ADD, absolute. A slash at its end says that it is a folder, and stays. */
export function copyDestination(workdir: string | undefined, path: string): string {
  const absolute = nextWorkdir(workdir, path)
  const folder = path === '' || /(?:^|\/)\.{0,2}$/.test(path)
  return folder && absolute !== '/' ? `${absolute}/` : absolute
}

/** A path beneath a root, absolute: `..` leads no further than there. */
export function beneathRoot(path: string): string {
  return withoutEndSlash(posix.join('/', path))
}

function withoutEndSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
