import type { Context } from '../context.js'
import type {
  BuildCacheEntry,
  BuildOptions,
  BuildPruned,
  BuildPruneOptions,
  BuildResult,
  CheckResult,
  VerifyResult,
} from './options.js'

/** `engine.builds`: each operation loads its code when it is first called. */
export function bindBuilds(context: Context) {
  return {
    /** Builds what Dockerfiles say, for each of the platforms. */
    build: async (options?: BuildOptions): Promise<BuildResult> =>
      (await import('./build.js')).buildImage(context, options),
    /** Looks for what is wrong or doubtful in the Dockerfiles; builds nothing. */
    check: async (options?: BuildOptions): Promise<CheckResult> =>
      (await import('./check.js')).checkBuild(context, options),
    /** Builds twice without the cache, and tells the first difference. */
    verify: async (options?: BuildOptions): Promise<VerifyResult> =>
      (await import('./verify.js')).verifyBuild(context, options),
    /** What the build cache holds. */
    usage: async (): Promise<BuildCacheEntry[]> => (await import('./usage.js')).cacheUsage(context),
    /** Removes what is in the build cache. */
    prune: async (options?: BuildPruneOptions): Promise<BuildPruned> =>
      (await import('./prune.js')).pruneCache(context, options),
  }
}
