import { isAbsolute } from 'node:path'
import { statSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import type { ResolvedMount } from '../../container/oci-config/mounts.js'
import type { MountSpec } from '../../container/spec.js'
import type { VolumeRecord } from '../volumes.js'

type Options = Readonly<Record<string, string>>

/**
 * `--opt`: a tmpfs (`type=tmpfs`), or a folder of the host (`type=none,o=bind,device=/path`); with `nocopy` one that begins
 * empty. All else needs the host's root.
 */
export function requireOptions(options: Options): void {
  for (const key of Object.keys(options)) {
    if (['type', 'device', 'o', 'copy', 'nocopy'].includes(key)) continue
    throw new TspodError('invalid-argument', `unknown option "${key}" of a local volume: type, device and o are known`)
  }
  if (Object.keys(options).every((key) => key === 'copy' || key === 'nocopy')) return
  const { type = '', device = '' } = options
  if (type === 'tmpfs' || ownerOf(options) !== undefined) return
  if (!isBind(options)) {
    throw new TspodError(
      'not-supported',
      `a volume of type "${type}" cannot be mounted without root: type=tmpfs, or type=none,o=bind,device=/PATH`,
    )
  }
  if (!isAbsolute(device)) throw new TspodError('invalid-argument', `device "${device}" is not an absolute path`)
}

/** `o=uid=N,gid=N` and nothing else: a volume like any other, but for its owner. */
export function ownerOf(options: Options): { readonly uid?: number; readonly gid?: number } | undefined {
  const { o = '', copy: _, nocopy: __, ...others } = options
  const owner: { uid?: number; gid?: number } = {}
  for (const one of o.split(',')) {
    const [, key, id] = /^(uid|gid)=(\d{1,10})$/.exec(one) ?? []
    if (key === undefined || Object.keys(others).length > 0) return undefined
    owner[key as 'uid'] = Number(id)
  }
  return owner
}

/** What is mounted where a volume with options is used; undefined: its own folder. */
export function optionedMount(
  record: VolumeRecord,
  mount: Extract<MountSpec, { type: 'volume' }>,
): ResolvedMount | undefined {
  const { options } = record
  const own = (options['o'] ?? '')
    .split(',')
    .filter((option) => option !== '' && option !== 'bind' && option !== 'rbind')
  if (options['type'] === 'tmpfs') {
    return { type: 'tmpfs', target: mount.target, options: [...own, ...mount.options.filter(isForTmpfs)] }
  }
  if (!isBind(options)) return undefined
  const source = options['device'] ?? ''
  if (!statSync(source, { throwIfNoEntry: false })) {
    throw new TspodError('invalid-argument', `volume ${record.name}: ${source}: no such file or directory`)
  }
  return { type: 'bind', source, target: mount.target, options: [...own, ...mount.options] }
}

function isBind(options: Options): boolean {
  const { type = '', o = '' } = options
  const flags = o.split(',')
  return (type === '' || type === 'none' || type === 'bind') && (flags.includes('bind') || flags.includes('rbind'))
}

function isForTmpfs(option: string): boolean {
  return ['ro', 'rw', 'noexec', 'exec', 'nosuid', 'suid', 'nodev', 'dev'].includes(option)
}
