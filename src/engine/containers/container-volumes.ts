import { join } from 'node:path'
import type { CompleteSpec } from '../../container/complete-spec.js'
import type { MountSpec } from '../../container/spec.js'
import { withLock } from '../../state/lock.js'
import type { Context } from '../context.js'
import { ensureVolume, removeVolume } from '../volumes.js'

/** Every volume that a container mounts is made if it is missing; one without a name gets a random one. */
export async function ensureContainerVolumes(
  context: Context,
  spec: CompleteSpec,
  undo: (() => unknown)[],
): Promise<{ mounts: MountSpec[]; anonymousVolumes: string[] }> {
  const anonymousVolumes: string[] = []
  const mounts: MountSpec[] = []
  for (const mount of spec.mounts) {
    if (mount.type !== 'volume') {
      mounts.push(mount)
      continue
    }
    const anonymous = mount.name === undefined || mount.name === ''
    const name = anonymous ? context.newId() : (mount.name ?? '')
    if (anonymous) {
      anonymousVolumes.push(name)
      undo.push(() => removeVolume(context, name))
    }
    await withLock(join(context.paths.locks, `volume-${name}`), (lock) => {
      ensureVolume(context, { name, anonymous })
      lock.release({ unlink: true })
    })
    mounts.push({ ...mount, name })
  }
  return { mounts, anonymousVolumes }
}
