import type { UsernsPlan } from '../runtime/protocol.js'
import { leaveInside, runInside } from './inside.js'

/** Removes trees whatever ids and modes their files have. What is not there (any more) is no failure. */
export async function removeTrees(paths: readonly string[], plan: UsernsPlan): Promise<void> {
  if (paths.length > 0) await runInside('remove', removalPlan(plan), ['--', ...paths])
}

/**
 * As `removeTrees`, by a process that goes on when this one has ended: resolves once it has been started. It holds `lockFd`
 * open until it is done.
 */
export async function removeTreesLater(paths: readonly string[], plan: UsernsPlan, lockFd: number): Promise<void> {
  if (paths.length > 0) await leaveInside('remove', removalPlan(plan), ['--stay', '--', ...paths], lockFd)
}

/** The host's root needs no namespace to remove what it owns, and would lack the right to the folder above in one. */
function removalPlan(plan: UsernsPlan): UsernsPlan {
  return plan.writer === 'root' ? { ...plan, mode: 'host' } : plan
}
