import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { ResolvedMount } from '../../container/oci-config/mounts.js'
import type { ContainerRecord } from '../../container/record.js'
import type { MountSpec } from '../../container/spec.js'
import type { Context } from '../context.js'
import { volumeData, volumesOf } from '../volumes.js'

/** The user's mounts with the folders behind them, as they are now. */
export async function resolveMounts(context: Context, record: ContainerRecord): Promise<ResolvedMount[]> {
  const resolved = [...timezoneMount(record)]
  for (const mount of record.spec.mounts) resolved.push(await resolveMount(context, record, mount))
  return resolved
}

async function resolveMount(context: Context, record: ContainerRecord, mount: MountSpec): Promise<ResolvedMount> {
  switch (mount.type) {
    case 'bind':
      return { ...mount, source: bindSource(mount) }
    case 'volume':
      return volumeMount(context, mount)
    case 'image': {
      const { imageMount } = await import('./image-mount.js')
      return imageMount(context, record, mount)
    }
    default:
      return mount
  }
}

function bindSource(mount: Extract<MountSpec, { type: 'bind' }>): string {
  if (existsSync(mount.source)) return mount.source
  if (mount.createSource !== true) {
    throw new TspodError('invalid-argument', `statfs ${mount.source}: no such file or directory`)
  }
  mkdirSync(mount.source, { recursive: true })
  return mount.source
}

/** A volume that nothing was ever put into gets what the image has there, before it is mounted. */
async function volumeMount(context: Context, mount: Extract<MountSpec, { type: 'volume' }>): Promise<ResolvedMount> {
  const { isEmptyVolume, requireVolume } = await import('../volumes.js')
  const name = mount.name ?? ''
  const record = requireVolume(context, name)
  if (Object.keys(record.options).length > 0) {
    const { optionedMount } = await import('../volumes/options.js')
    const mounted = optionedMount(record, mount)
    if (mounted !== undefined) return mounted
  }
  const data = volumeData(context, name)
  const source = mount.subpath === undefined ? data : subpath(data, mount.subpath)
  const copies = mount.subpath === undefined && !mount.options.includes('nocopy') && isEmptyVolume(context, name)
  return {
    type: 'bind',
    source,
    target: mount.target,
    options: [...mount.options, ...(copies ? ['copyup'] : [])],
  }
}

/** Where the files of a mounted volume are on the host; undefined if it is gone, or is made anew for each container. */
export function volumeSource(context: Context, mount: Extract<MountSpec, { type: 'volume' }>): string | undefined {
  const record = volumesOf(context).get(mount.name ?? '')
  if (record === undefined || record.options['type'] === 'tmpfs') return undefined
  const data = record.options['device'] ?? volumeData(context, record.name)
  return mount.subpath === undefined ? data : subpath(data, mount.subpath)
}

/** A folder below a volume; a link in it must not lead out. */
function subpath(data: string, below: string): string {
  const path = join(data, below)
  const real = existsSync(path) ? realpathSync(path) : undefined
  const root = realpathSync(data)
  if (real !== undefined && (real === root || real.startsWith(`${root}/`))) return real
  throw new TspodError('invalid-argument', `subpath "${below}" is not a folder of the volume`)
}

/** `--tz`: the host's file of that zone, at the place where programs look. */
function timezoneMount({ spec }: ContainerRecord): ResolvedMount[] {
  if (spec.timezone === undefined) return []
  const source = spec.timezone === 'local' ? '/etc/localtime' : join('/usr/share/zoneinfo', spec.timezone)
  if (!statSync(source, { throwIfNoEntry: false })?.isFile()) {
    throw new TspodError('invalid-argument', `finding timezone: unknown time zone ${spec.timezone}`)
  }
  return [{ type: 'bind', source: realpathSync(source), target: '/etc/localtime', options: ['ro'] }]
}
