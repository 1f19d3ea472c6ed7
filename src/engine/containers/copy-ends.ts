import type { Readable } from 'node:stream'

/** One end of a copy. A stream is a tar archive. */
export type CopyEnd =
  | { readonly container: string; readonly path: string }
  | { readonly path: string }
  | { readonly input: AsyncIterable<Uint8Array> }
  | { readonly output: number | ((chunks: Readable) => Promise<void>) }

export interface CopyOptions {
  /** What is copied into a container belongs to its user; otherwise owners stay what they are. Default: true. */
  readonly archive?: boolean
  /** A folder may take the place of a file, and the other way round. */
  readonly overwrite?: boolean
}

/** What can be read from an end: an archive of what is there, under the name that it is to have. */
export interface Source {
  readonly description: string
  readonly isFolder: boolean
  /** The path ends in `/.`: a folder's content without itself. */
  readonly contentOnly: boolean
  readonly name: string
  tar(name: string, output: (chunks: Readable) => Promise<void>): Promise<void>
}

/** Where an end puts things. */
export interface Target {
  readonly description: string
  /** What is there already. */
  readonly kind: 'folder' | 'other' | 'missing'
  /** The folder that it would be in is there. */
  readonly hasParent: boolean
  readonly mustBeFolder: boolean
  /** What it is called in that folder. */
  readonly name: string
  /** Into the target itself, a folder, or into the folder that it is in. */
  untar(into: 'itself' | 'parent', chunks: AsyncIterable<Uint8Array>): Promise<void>
}

/** `/.` or `.` at the end: the content of a folder. */
export function endsInDot(path: string): boolean {
  return path === '.' || path.endsWith('/.')
}

/** As it was written: a link's target comes under the link's own name. */
export function lastName(path: string): string {
  const name = path.replace(/\/+$/, '').split('/').at(-1) ?? ''
  return name === '.' || name === '..' ? '' : name
}
