import { existsSync } from 'node:fs'
import { hostMapping } from '../../../rootless/ladder.js'
import type { ContainerRecord } from '../../container/record.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import type { RootBind, RootSource } from '../../storage/root-archive.js'
import type { Context } from '../context.js'
import { rootMountpoint } from './launch.js'
import { isUp, observe } from './observe.js'
import { rootfsPlan } from './rootfs.js'
import { lockContainer, noSuchContainer, readRecord } from './store.js'

export interface RootOptions {
  /** What is mounted on the root belongs to it: volumes and binds of a stopped one, too. Without: the root's own files. */
  readonly mounts: boolean
}

/** How a container's files are reached, and the ids to do it with. */
export interface OpenRoot {
  readonly root: RootSource
  readonly plan: UsernsPlan
}

/**
 * Gives `use` the root of a container: of a running one the root of its process, of any other one that is mounted for as
 * long as it takes. It is not started meanwhile, since two would write the same layer.
 */
export async function withContainerRoot<T>(
  context: Context,
  record: ContainerRecord,
  options: RootOptions,
  use: (open: OpenRoot) => Promise<T>,
): Promise<T> {
  const { plan } = await hostMapping()
  const running = runningRoot(context, record, options)
  if (running !== undefined) return use({ root: running, plan })
  const lock = await lockContainer(context, record.id)
  try {
    if (readRecord(context, record.id) === undefined) throw noSuchContainer(record.name)
    const started = runningRoot(context, record, options)
    if (started !== undefined) return await use({ root: started, plan })
    const planned = await rootfsPlan(context, record, rootMountpoint(context), undefined)
    /* It is mounted again when the container starts. */
    const rootfs = planned.driver === 'dir' ? planned : { ...planned, volatile: false }
    const binds = options.mounts ? await bindsOf(context, record) : []
    return await use({ root: { rootfs, binds }, plan })
  } finally {
    lock.release({ unlink: true })
  }
}

function runningRoot(context: Context, record: ContainerRecord, options: RootOptions): RootSource | undefined {
  const seen = observe(context, record.id)
  if (!isUp(seen) || seen.pid <= 0) return undefined
  return { pid: seen.pid, bare: !options.mounts }
}

/** The volumes and binds of a container that does not run. A source that is gone is not there. */
async function bindsOf(context: Context, { spec }: ContainerRecord): Promise<RootBind[]> {
  const { volumeSource } = await import('./mounts.js')
  return spec.mounts.flatMap((mount) => {
    const readOnly = 'options' in mount && mount.options.includes('ro')
    if (mount.type === 'bind') {
      return existsSync(mount.source) ? [{ source: mount.source, target: mount.target, readOnly }] : []
    }
    if (mount.type !== 'volume') return []
    const source = volumeSource(context, mount)
    return source === undefined ? [] : [{ source, target: mount.target, readOnly }]
  })
}
