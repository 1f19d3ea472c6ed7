import { join } from 'node:path'
import type { CompleteSpec } from '../../container/complete-spec.js'
import type { MountSpec } from '../../container/spec.js'
import { acquireLock, type Lock } from '../../state/lock.js'
import type { Context } from '../context.js'
import { ensureVolume, removeVolume } from '../volumes.js'

/**
 * Every volume that a container mounts is made if it is missing; one without a name gets a random one. Their locks are held
 * until `release`, when the container's record says that it uses them: nobody prunes them in between.
 */
export async function ensureContainerVolumes(
  context: Context,
  spec: CompleteSpec,
  undo: (() => unknown)[],
): Promise<{ mounts: MountSpec[]; anonymousVolumes: string[]; release: () => void }> {
  const anonymousVolumes: string[] = []
  const mounts = spec.mounts.map((mount): MountSpec => {
    if (mount.type !== 'volume' || (mount.name !== undefined && mount.name !== '')) return mount
    const name = context.newId()
    anonymousVolumes.push(name)
    return { ...mount, name }
  })
  const names = new Set(mounts.flatMap((mount) => (mount.type === 'volume' ? [mount.name ?? ''] : [])))
  const locks: Lock[] = []
  /* In one order, or two containers with the same volumes would wait for each other. */
  for (const name of [...names].sort()) {
    const anonymous = anonymousVolumes.includes(name)
    if (anonymous) undo.push(() => removeVolume(context, name))
    const lock = await acquireLock(join(context.paths.locks, `volume-${name}`))
    undo.push(() => lock.release({ unlink: true }))
    locks.push(lock)
    ensureVolume(context, { name, anonymous })
  }
  return { mounts, anonymousVolumes, release: () => locks.forEach((lock) => lock.release({ unlink: true })) }
}
