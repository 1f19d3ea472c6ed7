import { existsSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { initTarget } from '../../container/oci-config/index.js'
import { subpathOption, type ResolvedMount } from '../../container/oci-config/mounts.js'
import type { ContainerRecord } from '../../container/record.js'
import type { MountSpec } from '../../container/spec.js'
import { lookedAt } from '../../base/looks.js'
import type { Context } from '../context.js'
import { volumeData, volumesOf, type VolumeRecord } from '../volumes.js'
import { containerPaths } from './store.js'

type ResolvedBind = Extract<ResolvedMount, { type: 'bind' }>

/** The user's mounts with the folders behind them, as they are now. */
export async function resolveMounts(context: Context, record: ContainerRecord): Promise<ResolvedMount[]> {
  const resolved = [...timezoneMount(record), ...initMount(record)]
  for (const mount of record.spec.mounts) resolved.push(await resolveMount(context, record, mount))
  return resolved
}

async function resolveMount(context: Context, record: ContainerRecord, mount: MountSpec): Promise<ResolvedMount> {
  switch (mount.type) {
    case 'bind': {
      const bind = { ...mount, source: bindSource(mount), options: dereferenced(mount) }
      return bind.options.includes('O') ? overlaid(context, record, bind) : bind
    }
    case 'volume': {
      const volume = await volumeMount(context, mount)
      return volume.type === 'bind' && mount.options.includes('O') ? overlaid(context, record, volume) : volume
    }
    case 'image': {
      const { imageMount } = await import('./image-mount.js')
      return imageMount(context, record, mount)
    }
    default:
      return mount
  }
}

/** `no-dereference`: only a link would be mounted as what it is, and that is no mount. */
function dereferenced({ source, options }: Extract<MountSpec, { type: 'bind' }>): readonly string[] {
  if (!options.includes('no-dereference')) return options
  if (lstatSync(source, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    throw new TspodError('not-supported', `no-dereference: ${source} is a link; name what it leads to`)
  }
  return options.filter((option) => option !== 'no-dereference')
}

/** `O`: what is written goes with the container, or to `upperdir=` and `workdir=`; the folder stays as it is. */
function overlaid(context: Context, record: ContainerRecord, mount: ResolvedBind): ResolvedMount {
  const { source, target, options } = mount
  if (!statSync(source).isDirectory()) {
    throw new TspodError('invalid-argument', `the option O is for folders: ${source} is none`)
  }
  const named = (key: string): string | undefined =>
    options.find((option) => option.startsWith(`${key}=`))?.slice(key.length + 1)
  const [upper, work] = [named('upperdir'), named('workdir')]
  if ((upper === undefined) !== (work === undefined)) {
    throw new TspodError('invalid-argument', `${source}: upperdir= and workdir= go together`)
  }
  const folder = join(
    containerPaths(context.paths, record.id).folder,
    'overlay-mounts',
    Buffer.from(target).toString('hex'),
  )
  const own = { upper: upper ?? join(folder, 'upper'), work: work ?? join(folder, 'work') }
  for (const path of upper === undefined ? Object.values(own) : []) mkdirSync(path, { recursive: true })
  return { type: 'overlay', target, lower: [source], ...own }
}

function bindSource(mount: Extract<MountSpec, { type: 'bind' }>): string {
  lookedAt('entry', mount.source)
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
  const copies = mount.subpath === undefined && isEmptyVolume(context, name)
  return {
    type: 'bind',
    source: volumeData(context, name),
    target: mount.target,
    options: [...mount.options, ...subpathOption(mount.subpath), ...(copies ? copyUp(record, mount.options) : [])],
  }
}

/** Podman's reading: a volume of nobody becomes in any case as the image's folder is, one with an owner keeps him. */
function copyUp({ uid, gid, options }: VolumeRecord, given: readonly string[]): readonly string[] {
  const isOwned = uid !== undefined || gid !== undefined
  if (given.includes('nocopy') || 'nocopy' in options) return isOwned ? [] : ['copyup=folder']
  return isOwned ? ['copyup=content'] : ['copyup']
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

/** `--init-path`: the host's program, for process 1 of the container. */
function initMount({ spec: { init, initPath: source } }: ContainerRecord): ResolvedMount[] {
  if (!init || source === undefined) return []
  if (!statSync(source, { throwIfNoEntry: false })?.isFile()) {
    throw new TspodError('invalid-argument', `container-init binary not found on the host: ${source}`)
  }
  return [{ type: 'bind', source: realpathSync(source), target: initTarget, options: ['ro', 'exec'] }]
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
