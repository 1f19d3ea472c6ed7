import { statSync, type Stats } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import { tarRoot, untarRoot, type RootSource } from '../../storage/root-archive.js'
import { endsInDot, lastName, type CopyOptions, type Source, type Target } from './copy-ends.js'

/** No other ids than the caller's: as the caller, who may write only where they may. */
const asCaller: UsernsPlan = { mode: 'host', writer: 'self', uidMappings: [], gidMappings: [] }

/** The caller's own files as one end of a copy. */
export const hostEnd = { source: hostSource, target: hostTarget } as const

function hostSource(path: string): Source {
  const stat = statOf(path)
  if (stat === undefined) throw new TspodError('invalid-argument', `${path}: no such file or directory`)
  const isFolder = stat.isDirectory()
  if (!isFolder && path.endsWith('/')) throw new TspodError('invalid-argument', `${path}: not a folder`)
  return {
    description: path,
    isFolder,
    contentOnly: isFolder && endsInDot(path),
    name: lastName(path) || basename(resolve(path)),
    async tar(name, output) {
      const real = await realpath(path)
      const [folder, inner] = isFolder ? [real, undefined] : [dirname(real), basename(real)]
      await tarRoot(folderRoot(folder), {
        plan: asCaller,
        output,
        ...(inner === undefined ? {} : { path: `/${inner}` }),
        ...(name === '.' ? {} : { name }),
      })
    },
  }
}

function hostTarget(path: string, options: CopyOptions): Target {
  const whole = resolve(path)
  const stat = statOf(whole)
  const kind = stat === undefined ? 'missing' : stat.isDirectory() ? 'folder' : 'other'
  const parent = dirname(whole)
  return {
    description: path,
    kind,
    hasParent: statOf(parent)?.isDirectory() === true,
    mustBeFolder: path.endsWith('/') || endsInDot(path),
    name: basename(whole),
    async untar(into, chunks) {
      const folder = await realpath(into === 'itself' ? whole : parent)
      await untarRoot(folderRoot(folder), chunks, {
        plan: asCaller,
        keepFolders: true,
        sameKinds: options.overwrite !== true,
        /* Whose set-user-ID program it was in the container, it is not to be one of the caller's. */
        noSetIds: true,
        owner: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
      })
    },
  }
}

/** The folder itself is the root that nothing of an archive leads out of. */
function folderRoot(path: string): RootSource {
  return { rootfs: { driver: 'dir', path, mountpoint: join(path, '.') } }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw new TspodError('invalid-argument', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
