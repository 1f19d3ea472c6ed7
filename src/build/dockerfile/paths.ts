import { posix } from 'node:path'

/**
 * WORKDIR: a relative path continues from the one before, without `.` and `..`; an absolute one stays as it was written but
 * for slashes at its end, in BuildKit's images and in Podman's.
 */
export function nextWorkdir(current: string | undefined, path: string): string {
  return path.startsWith('/') ? path.replace(/(?<=.)\/+$/, '') : resolved(current, path)
}

function resolved(current: string | undefined, path: string): string {
  return withoutEndSlash(posix.join('/', path.startsWith('/') ? '' : (current ?? '/'), path))
}

/** The destination of COPY and ADD, absolute. A slash at its end says that it is a folder, and stays. */
export function copyDestination(workdir: string | undefined, path: string): string {
  const absolute = resolved(workdir, path)
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
