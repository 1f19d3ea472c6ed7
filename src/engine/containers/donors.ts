import { TspodError } from '../../base/errors.js'
import { isId } from '../../base/id.js'
import type { CompleteSpec } from '../../container/complete-spec.js'
import type { ContainerRecord } from '../../container/record.js'
import type { NamespaceMode } from '../../container/spec.js'
import type { NamespacePaths } from '../../container/oci-config/namespaces.js'
import type { NamespaceType } from '../../oci/runtime-spec.js'
import { namesIn } from '../../state/collection.js'
import type { Context } from '../context.js'
import { observe } from './observe.js'
import { findContainer, listContainersRead, readRecord, tellLeftOut } from './store.js'

/** Names in `container:NAME` become IDs: a name may be another container's at the next start. */
export function resolveDonors(context: Context, spec: CompleteSpec): CompleteSpec {
  const { namespaces, network } = spec
  const resolve = <T extends { readonly mode: string }>(mode: T): T =>
    'container' in mode && typeof mode.container === 'string'
      ? { ...mode, container: findContainer(context, mode.container).id }
      : mode
  const ipc = resolve(namespaces.ipc)
  if (ipc.mode === 'container') requireShareable(findContainer(context, ipc.container))
  return {
    ...spec,
    network: resolve(network),
    namespaces: {
      pid: resolve(namespaces.pid),
      ipc,
      uts: resolve(namespaces.uts),
      cgroup: resolve(namespaces.cgroup),
      user: resolve(namespaces.user),
    },
  }
}

/** `--ipc private` was said, and is kept. */
function requireShareable({ id, spec }: ContainerRecord): void {
  if (spec.namespaces.ipc.mode !== 'private') return
  throw new TspodError(
    'invalid-argument',
    `joining IPC of container ${id} is not allowed: non-shareable IPC (hint: use --ipc shareable for the donor container)`,
  )
}

/** What a start joins. */
export interface Joined {
  readonly paths: NamespacePaths
  /** The container whose user namespace owns what is joined, and its process 1. */
  readonly donor?: { readonly id: string; readonly pid: number }
  /** Of the container whose IPC namespace is joined. */
  readonly shm?: string
  /** The container whose network is used, by ID. */
  readonly networkOwner?: string
}

/** Whose namespaces a container depends on. */
export function donorIds(spec: Pick<CompleteSpec, 'namespaces' | 'network'>): string[] {
  const modes: readonly { readonly mode: string }[] = [...Object.values(spec.namespaces), spec.network]
  const ids = modes.flatMap((mode) =>
    'container' in mode && typeof mode.container === 'string' ? [mode.container] : [],
  )
  return [...new Set(ids)]
}

/** Whose namespaces each container depends on, as far as this process has read. It never changes. */
const knownDonors = new WeakMap<Context, Map<string, readonly string[]>>()

/** The containers that depend on a namespace of another, by ID. A second call reads only those that are new. */
export function dependentIds(context: Context, id: string): string[] {
  const known = knownDonors.get(context)
  if (known === undefined) {
    const all = listContainersRead(context).map(({ record }) => [record.id, donorIds(record.spec)] as const)
    knownDonors.set(context, new Map(all))
    return all.flatMap(([other, donors]) => (donors.includes(id) ? other : []))
  }
  return namesIn(context.paths.containers).filter((other) => {
    const donors = known.get(other) ?? donorsOf(context, other)
    known.set(other, donors)
    return donors.includes(id)
  })
}

/** One that can't be read depends on nobody that we know of. */
function donorsOf(context: Context, id: string): readonly string[] {
  try {
    const record = isId(id) ? readRecord(context, id) : undefined
    return record === undefined ? [] : donorIds(record.spec)
  } catch (error) {
    tellLeftOut(context, id, error)
    return []
  }
}

/**
 * The files of the namespaces to join. A namespace can only be joined through the user namespace that owns it, so all
 * donors must have theirs from one.
 */
export function joinedNamespaces(context: Context, spec: CompleteSpec): Joined {
  const paths: Partial<Record<NamespaceType, string>> = {}
  const donors = new Map<string, number>()
  const pidOf = (id: string): number => {
    const pid = donors.get(id) ?? requireRunningPid(context, id)
    donors.set(id, pid)
    return pid
  }
  const join = (type: NamespaceType, file: string, mode: NamespaceMode | CompleteSpec['network']): void => {
    if (mode.mode === 'path') paths[type] = mode.path
    else if (mode.mode === 'container') paths[type] = `/proc/${pidOf(mode.container)}/ns/${file}`
  }
  join('pid', 'pid', spec.namespaces.pid)
  join('ipc', 'ipc', spec.namespaces.ipc)
  join('uts', 'uts', spec.namespaces.uts)
  join('cgroup', 'cgroup', spec.namespaces.cgroup)
  join('network', 'net', spec.network)
  const { user, ipc } = spec.namespaces
  const [first] = donors
  const donor = user.mode === 'container' ? ([user.container, pidOf(user.container)] as const) : first
  return {
    paths,
    ...(donor === undefined ? {} : { donor: { id: donor[0], pid: donor[1] } }),
    ...(ipc.mode === 'container' ? { shm: `/proc/${pidOf(ipc.container)}/root/dev/shm` } : {}),
    ...(spec.network.mode === 'container' ? { networkOwner: spec.network.container } : {}),
  }
}

function requireRunningPid(context: Context, id: string): number {
  const record = readRecord(context, id)
  if (!record) {
    throw new TspodError(
      'no-such-container',
      `the container ${id} whose namespace was to be joined is gone: no such container`,
    )
  }
  const { status, pid } = observe(context, id)
  if (status === 'running' && pid > 0) return pid
  throw new TspodError('container-not-running', `cannot join a namespace of ${record.name}: it is not running`)
}
