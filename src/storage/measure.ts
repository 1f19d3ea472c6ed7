import type { UsernsPlan } from '../runtime/protocol.js'
import { runInside } from './inside.js'

export interface TreeSize {
  /** Of files' contents. */
  readonly bytes: number
  /** Of blocks that are in use. */
  readonly diskBytes: number
  readonly inodes: number
}

/** How much these trees take together; hard links count once, what is not there counts nothing. */
export async function measureTrees(paths: readonly string[], plan: UsernsPlan): Promise<TreeSize> {
  const asRoot: UsernsPlan = plan.writer === 'root' ? { ...plan, mode: 'host' } : plan
  const result = await runInside('measure', asRoot, ['--', ...paths])
  return {
    bytes: Number(result['bytes']),
    diskBytes: Number(result['diskBytes']),
    inodes: Number(result['inodes']),
  }
}
