import type { Context } from '../context.js'
import type { DiskUsage } from './df.js'
import type { SystemPruned, SystemPruneOptions } from './prune.js'
import type { StoreCheckOptions, StoreDamage } from './damage.js'
import type { HostCheck, SystemInfo, VersionReport } from './types.js'

/** `engine.system`: each operation loads its code when it is first called. */
export function bindSystem(context: Context) {
  return {
    /** The host, the store and how they are used. */
    info: async (): Promise<SystemInfo> => (await import('./info.js')).systemInfo(context),
    version: async (): Promise<VersionReport> => (await import('./version.js')).versionReport(),
    /** Every requirement of the host: what was found, and what to type where it is missing. */
    check: async (): Promise<HostCheck[]> => (await import('./check.js')).checkSystem(context),
    /** What takes how much of the disk. */
    diskUsage: async (): Promise<DiskUsage> => (await import('./df.js')).diskUsage(context),
    /** Removes what nobody uses. */
    prune: async (options?: SystemPruneOptions): Promise<SystemPruned> =>
      (await import('./prune.js')).pruneSystem(context, options),
    /** Looks for damage in the store, and repairs what can be repaired. */
    checkStore: async (options?: StoreCheckOptions): Promise<StoreDamage[]> =>
      (await import('./store-check.js')).checkStore(context, options),
    /** Removes everything. */
    reset: async (): Promise<void> => (await import('./reset.js')).resetSystem(context),
    /** For command lines: this process becomes a command in the user namespace that containers' files belong to. */
    unshareInPlace: async (command: readonly string[]): Promise<never> =>
      (await import('./unshare.js')).unshareInPlace(context, command),
  }
}
