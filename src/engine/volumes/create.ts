import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { withLock } from '../../state/lock.js'
import type { Context } from '../context.js'
import { removeTree } from '../containers/trees.js'
import { ensureVolume, volumeData, volumesOf } from '../volumes.js'
import { ownerOf, requireOptions } from './options.js'
import type { VolumeCreateOptions } from './types.js'

/** Makes a volume that was not there. Answers its name. */
export async function createVolume(context: Context, options: VolumeCreateOptions = {}): Promise<string> {
  const { driver = 'local' } = options
  if (driver !== '' && driver !== 'local') {
    throw new TspodError('not-supported', `volume driver "${driver}" is not supported: only local is`)
  }
  requireOptions(options.options ?? {})
  const name = options.name === undefined || options.name === '' ? context.newId() : requireVolumeName(options.name)
  return withLock(join(context.paths.locks, `volume-${name}`), async (lock) => {
    try {
      if (volumesOf(context).get(name) !== undefined) {
        if (options.ignore === true) return name
        throw new TspodError('name-in-use', `volume with name ${name} already exists: volume already exists`)
      }
      const owner = { ...ownerOf(options.options ?? {}), ...ownerGiven(options) }
      ensureVolume(context, {
        name,
        ...owner,
        ...(options.labels === undefined ? {} : { labels: options.labels }),
        ...(options.options === undefined ? {} : { options: options.options }),
        anonymous: false,
      })
      if (Object.keys(owner).length > 0) await giveVolume(context, name, owner)
      return name
    } finally {
      lock.release({ unlink: true })
    }
  })
}

function requireVolumeName(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name)) return name
  throw new TspodError(
    'invalid-argument',
    `${JSON.stringify(name)} is not a name of a volume: names match [a-zA-Z0-9][a-zA-Z0-9_.-]*`,
  )
}

interface Owner {
  readonly uid?: number
  readonly gid?: number
}

const largestId = 0xffff_fffe

function ownerGiven({ uid, gid }: VolumeCreateOptions): Owner {
  for (const [key, id] of Object.entries({ uid, gid }))
    if (id !== undefined && (!Number.isInteger(id) || id < 0 || id > largestId))
      throw new TspodError('invalid-argument', `${String(id)} is no ${key}`)
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) }
}

/** Its folder gets the owner as root of the namespace gives it; a volume that cannot get it is not made. */
async function giveVolume(context: Context, name: string, { uid = 0, gid = 0 }: Owner): Promise<void> {
  const { hostMapping } = await import('../../../rootless/ladder.js')
  const { formatTarHeader } = await import('../../image/archive/tar-header.js')
  const { untarRoot } = await import('../../storage/root-archive.js')
  const { plan } = await hostMapping()
  const data = volumeData(context, name)
  async function* folder(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(formatTarHeader({ name: './', size: 0, type: '5' }))
    yield Buffer.alloc(1024)
  }
  try {
    const rootfs = { driver: 'dir', path: data, mountpoint: data } as const
    await untarRoot({ rootfs }, folder(), { plan, owner: { uid, gid } })
  } catch (error) {
    await removeTree(context, volumesOf(context).folder(name))
    throw error
  }
}
