import { join } from 'node:path'
import { hostMapping } from '../../../rootless/ladder.js'
import type { ContainerRecord } from '../../container/record.js'
import type { RootfsPlan } from '../../runtime/protocol.js'
import { writeFile } from '../../state/file.js'
import { usernsArguments } from '../../storage/inside.js'
import { layerArguments } from '../../storage/pack.js'
import type { Context } from '../context.js'
import { stubArguments } from './mount-stubs.js'
import { containerPaths } from './store.js'

/**
 * Writes into the run folder of a container whose changes are an overlay's upper folder how they are packed, as
 * native/early-pack.c reads it: words that end with a zero byte each, of which the first two are tmp/ and locks/, and the
 * rest is what tspod-inside gets.
 */
export async function writePackPlan(context: Context, record: ContainerRecord, rootfs: RootfsPlan): Promise<void> {
  if (record.spec.rootfs !== undefined || rootfs.driver === 'dir' || rootfs.upper === undefined) return
  const { plan } = await hostMapping()
  const { tmp, locks } = context.paths
  const words = [tmp, locks, ...usernsArguments(plan), ...layerArguments(rootfs.upper, { stubs: stubArguments() })]
  writeFile(join(containerPaths(context.paths, record.id).run, 'pack'), words.map((word) => `${word}\0`).join(''))
}
