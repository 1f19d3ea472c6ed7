import type { Engine } from './engine/engine.js'
import type { EngineOptions } from './engine/context.js'

/**
 * Opens the engine: the same one that the command line uses, in this process and with this user's
 * containers and images. Nothing runs in the background; there is nothing to close.
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const { openEngine } = await import('./engine/open.js')
  return openEngine(options)
}

export { TspodError, type ErrorCode } from './base/errors.js'
export type { Engine } from './engine/engine.js'
export type { EngineOptions, LogLevel, ProgressEvent } from './engine/context.js'
export type * from './build/progress.js'
export type * from './container/spec.js'
export type * from './engine/builds/options.js'
export type * from './engine/artifacts/types.js'
export type * from './engine/containers/types.js'
export type * from './engine/events/types.js'
export type * from './engine/images/types.js'
export type * from './engine/manifests/types.js'
export type * from './engine/registries/types.js'
export type * from './engine/system/types.js'
export type { DiskUsage, DiskUsageOf } from './engine/system/df.js'
export type { SystemPruned, SystemPruneOptions } from './engine/system/prune.js'
export type { StoreCheckOptions, StoreDamage } from './engine/system/damage.js'
export type { ContainerUpdate } from './engine/containers/update.js'
export type * from './engine/systemd/types.js'
export type * from './engine/volumes/types.js'
export type { CommitOptions } from './engine/containers/commit.js'
export type { CopyEnd, CopyOptions } from './engine/containers/copy-ends.js'
export type { ArchiveOutput } from './engine/containers/export.js'
export type { ContainerHandle, ExecHandle, ProcessStreams } from './engine/containers/handle.js'
export type { ContainerStats, StatsOptions } from './engine/containers/stats.js'
export type { TopTable } from './engine/containers/top.js'
export type { PortMapping } from './engine/containers/port.js'
export type { ContainerInspect } from './engine/containers/inspect.js'
