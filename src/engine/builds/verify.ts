import type { Context } from '../context.js'
import { buildImage } from './build.js'
import { firstDifference, snapshotOf, type BuildSnapshot } from './difference.js'
import type { BuildOptions, VerifyResult } from './options.js'
import { produce } from './produce.js'

/**
 * Builds twice without the cache, and tells the first thing that is not the same. Files that steps make are of now: their
 * times are clamped to the moment before the first build, unless another was asked for.
 */
export async function verifyBuild(context: Context, options: BuildOptions = {}): Promise<VerifyResult> {
  const timed: BuildOptions = {
    ...options,
    noCache: true,
    ...(options.timestamp === undefined
      ? {
          sourceDateEpoch: options.sourceDateEpoch ?? Math.floor(context.clock().getTime() / 1000),
          rewriteTimestamp: true,
        }
      : {}),
  }
  let first: BuildSnapshot | undefined
  const result = await buildImage(context, timed, async (produced) => {
    first = await snapshotOf(produced)
  })
  const { tags: _, outputs: __, cacheTo: ___, ...again } = timed
  const difference = await produce(context, again, async (produced) =>
    first === undefined ? undefined : firstDifference(produced, first, await snapshotOf(produced)),
  )
  return { result, ...(difference === undefined ? {} : { difference }) }
}
