import { TspodError } from '../../base/errors.js'
import type { ContainerSpec, MountSpec } from '../../container/spec.js'
import type { Context } from '../context.js'
import { findContainer } from './store.js'

/** The spec with the volumes and binds of other containers, below its own: `--volumes-from NAME[:ro,z]`. */
export function mountsFrom(context: Context, spec: ContainerSpec): ContainerSpec {
  const own = spec.mounts ?? []
  const taken = new Set(own.map((mount) => mount.target))
  const borrowed = (spec.volumesFrom ?? []).flatMap((text) => {
    const [name = '', options = ''] = text.split(':', 2)
    const wanted = requireOptions(options, text)
    const donor = findContainer(context, name)
    return donor.spec.mounts.flatMap((mount) => borrow(mount, wanted))
  })
  const kept = borrowed.filter((mount) => !taken.has(mount.target) && taken.add(mount.target))
  return { ...spec, mounts: [...kept, ...own] }
}

function borrow(mount: MountSpec, options: readonly string[]): MountSpec[] {
  if (mount.type !== 'bind' && mount.type !== 'volume') return []
  const access = options.filter((option) => option === 'ro' || option === 'rw')
  const before =
    access.length > 0 ? mount.options.filter((option) => option !== 'ro' && option !== 'rw') : mount.options
  return [{ ...mount, options: [...before, ...access] }]
}

function requireOptions(text: string, whole: string): string[] {
  const options = text === '' ? [] : text.split(',')
  if (options.every((option) => ['ro', 'rw', 'z', 'Z'].includes(option))) return options
  throw new TspodError('invalid-argument', `invalid options of --volumes-from "${whole}": only ro, rw and z are known`)
}
