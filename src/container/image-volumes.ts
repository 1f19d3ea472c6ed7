import { posix } from 'node:path'
import type { ImageRunConfig } from '../oci/image-spec.js'
import type { ContainerSpec, MountSpec } from './spec.js'

/** The mounts asked for, then the image's volumes that none of them stands for. */
export function completeMounts(spec: ContainerSpec, image: ImageRunConfig): MountSpec[] {
  const asked = (spec.mounts ?? []).map((mount) => ({ ...mount, target: posix.normalize(mount.target) }))
  const taken = new Set(asked.map((mount) => withoutSlash(mount.target)))
  const kind = spec.imageVolume ?? 'anonymous'
  if (kind === 'ignore') return asked
  const own = Object.keys(image.Volumes ?? {}).flatMap((path): MountSpec[] => {
    const target = withoutSlash(posix.normalize(`/${path}`))
    if (target === '/' || taken.has(target)) return []
    taken.add(target)
    return [kind === 'tmpfs' ? { type: 'tmpfs', target, options: [] } : { type: 'volume', target, options: [] }]
  })
  return [...asked, ...own]
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
