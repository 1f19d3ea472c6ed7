import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { subpathOption, type ResolvedMount } from '../../container/oci-config/mounts.js'
import type { ContainerRecord } from '../../container/record.js'
import type { MountSpec } from '../../container/spec.js'
import type { Context } from '../context.js'
import { resolveImage } from '../images/resolve.js'
import { layerFolders } from './rootfs.js'
import { containerPaths } from './store.js'

/** `--mount type=image`: an image's files, read-only, or writable with a layer that goes with the container. */
export async function imageMount(
  context: Context,
  record: ContainerRecord,
  mount: Extract<MountSpec, { type: 'image' }>,
): Promise<ResolvedMount> {
  const image = await resolveImage(context, mount.image, { pull: 'missing' })
  const lower = layerFolders(context, image.diffIds)
  const [only] = lower
  /* An overlay without an upper folder needs two below. */
  if (!mount.writable && only !== undefined && lower.length === 1) {
    return {
      type: 'bind',
      source: only,
      target: mount.target,
      options: ['ro', 'bind', ...subpathOption(mount.subpath)],
    }
  }
  const part = mount.subpath === undefined ? {} : { subpath: mount.subpath }
  if (!mount.writable) return { type: 'overlay', target: mount.target, lower, ...part }
  const base = join(
    containerPaths(context.paths, record.id).folder,
    'image-mounts',
    Buffer.from(mount.target).toString('hex'),
  )
  const upper = join(base, 'upper')
  const work = join(base, 'work')
  mkdirSync(upper, { recursive: true })
  mkdirSync(work, { recursive: true })
  return { type: 'overlay', target: mount.target, lower, upper, work, ...part }
}
