import type { UsernsPlan } from '../runtime/protocol.js'
import { runInside } from './inside.js'

/**
 * Makes what a mount has written to its upper folder a layer's: one that every driver can mount, and that may be read as it
 * lies. Only fuse-overlayfs leaves marks that its mounts alone hide. Nothing may have the folder mounted.
 */
export async function settleLayer(driver: string, upper: string, plan: UsernsPlan): Promise<void> {
  if (driver === 'fuse-overlayfs') await runInside('settle', plan, [upper])
}
