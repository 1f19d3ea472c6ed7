import type { ContainerSpec } from '../../container/spec.js'
import type { Context } from '../context.js'
import type { CommitOptions } from './commit.js'
import type { CopyEnd, CopyOptions } from './copy-ends.js'
import type { ArchiveOutput } from './export.js'
import type { CloneOptions } from './clone.js'
import type { LogText } from './log-text.js'
import type { CleanupOptions } from './tidy.js'
import type { ContainerUpdate } from './update.js'
import type { ContainerStats, StatsOptions } from './stats.js'
import type {
  AttachOptions,
  CreateOptions,
  ExecSpec,
  ForegroundOptions,
  ListOptions,
  LogLine,
  LogOptions,
  RemoveOptions,
  RunOptions,
  StartOptions,
  StopOptions,
  WaitOptions,
} from './types.js'

/** `engine.containers`: each operation imports its code when it is called, so that a command loads only its own. */
export function bindContainers(context: Context) {
  return {
    /** Makes a container without starting it. */
    create: async (spec: ContainerSpec, options?: CreateOptions) =>
      (await import('./create.js')).createContainer(context, spec, options),
    /** Makes and starts a container; the handle has its streams. */
    run: async (spec: ContainerSpec, options?: RunOptions) =>
      (await import('./handle.js')).runContainer(context, spec, options),
    /** For command lines: this process becomes the container's client. */
    runInPlace: async (spec: ContainerSpec, options?: ForegroundOptions) =>
      (await import('./run.js')).runInPlace(context, spec, options),
    /** A handle for a container that exists. */
    get: async (nameOrId: string) => (await import('./handle.js')).getContainer(context, nameOrId),
    start: async (nameOrId: string) => (await import('./lifecycle.js')).startContainer(context, nameOrId),
    /** For command lines: `start --attach`. */
    startInPlace: async (nameOrId: string, options: StartOptions) =>
      (await import('./lifecycle.js')).startInPlace(context, nameOrId, options),
    stop: async (nameOrId: string, options?: StopOptions) =>
      (await import('./stop.js')).stopContainer(context, nameOrId, options),
    restart: async (nameOrId: string, options?: StopOptions) =>
      (await import('./lifecycle.js')).restartContainer(context, nameOrId, options),
    kill: async (nameOrId: string, signal?: string | number) =>
      (await import('./stop.js')).killContainer(context, nameOrId, signal),
    remove: async (nameOrId: string, options?: RemoveOptions) =>
      (await import('./remove.js')).removeContainer(context, nameOrId, options),
    /** After the last `remove` with `ofMany`. */
    removed: async () => (await import('./trees.js')).endRemovals(context),
    /** The exit status, once the container has stopped. */
    wait: async (nameOrId: string, options?: WaitOptions) =>
      (await import('./lifecycle.js')).waitContainer(context, nameOrId, options),
    list: async (options?: ListOptions) => (await import('./query.js')).listContainers(context, options),
    exists: async (nameOrId: string) => (await import('./query.js')).containerExists(context, nameOrId),
    inspect: async (nameOrId: string, options?: { readonly size?: boolean }) =>
      (await import('./inspect.js')).inspectContainer(context, nameOrId, options),
    logs: (nameOrId: string, options?: LogOptions) => logsLater(context, nameOrId, options),
    /** The same as text, in pieces that are valid until the next one. */
    logText: (nameOrId: string, options?: LogOptions) => logTextLater(context, nameOrId, options),
    /** Runs one more process in a running container. */
    exec: async (nameOrId: string, spec: ExecSpec) =>
      (await import('./handle.js')).execInContainer(context, nameOrId, spec),
    /** For command lines: this process becomes the exec session's client. */
    execInPlace: async (nameOrId: string, spec: ExecSpec, options?: ForegroundOptions) =>
      (await import('./exec.js')).execInPlace(context, nameOrId, spec, options),
    attachInPlace: async (nameOrId: string, options?: AttachOptions) =>
      (await import('./attach.js')).attachInPlace(context, nameOrId, options),
    /** For the command line's hidden verb: clears up, and throws what went wrong. */
    launchFailed: async (id: string, error: string | undefined) =>
      (await import('./failure.js')).launchFailed(context, id, error),
    /** Copies files between containers, the host and tar archives, by Docker's rules. */
    copy: async (from: CopyEnd, to: CopyEnd, options?: CopyOptions) =>
      (await import('./copy.js')).copyFiles(context, from, to, options),
    /** All files of a container as a tar archive. */
    export: async (nameOrId: string, output: ArchiveOutput) =>
      (await import('./export.js')).exportContainer(context, nameOrId, output),
    /** Makes an image of a container; answers its ID. */
    commit: async (nameOrId: string, options?: CommitOptions) =>
      (await import('./commit.js')).commitContainer(context, nameOrId, options),
    /** What a container has changed in its image's files, or an image in those of the layers below. */
    changes: async (nameOrId: string, kind?: 'container' | 'image' | 'any') =>
      (await import('./changes.js')).changesOf(context, nameOrId, kind),
    /** What an image has that another has not, or has otherwise. */
    changesBetween: async (name: string, other: string, kind?: 'container' | 'image' | 'any') =>
      (await import('./changes.js')).changesBetween(context, name, other, kind),
    prune: async (filters?: readonly string[]) => (await import('./prune.js')).pruneContainers(context, filters),
    ...bindUpkeep(context),
  }
}

/** What is done with containers that exist: looked at, changed, held. */
function bindUpkeep(context: Context) {
  return {
    rename: async (nameOrId: string, newName: string) =>
      (await import('./rename.js')).renameContainer(context, nameOrId, newName),
    /** Changes limits, restart policy, health check, environment; answers the ID. */
    update: async (nameOrId: string, update: ContainerUpdate) =>
      (await import('./update.js')).updateContainer(context, nameOrId, update),
    /** One more that was asked for as another was. */
    clone: async (nameOrId: string, options?: CloneOptions) =>
      (await import('./clone.js')).cloneContainer(context, nameOrId, options),
    /** Makes all of it but its command, which waits for `start`. */
    init: async (nameOrId: string) => (await import('./init.js')).initContainer(context, nameOrId),
    cleanup: async (nameOrId: string, options?: CleanupOptions) =>
      (await import('./tidy.js')).cleanupContainer(context, nameOrId, options),
    /** Always throws why: nobody without rights on the host can. */
    checkpoint: async (nameOrId: string): Promise<never> =>
      (await import('./tidy.js')).refuseCheckpoint(context, nameOrId, 'checkpoint'),
    restore: async (nameOrId: string): Promise<never> =>
      (await import('./tidy.js')).refuseCheckpoint(context, nameOrId, 'restore'),
    /** Where the root of a container is seen; of one that does not run in `tspod unshare` only. */
    mount: async (nameOrId: string) => (await import('./mount.js')).mountContainer(context, nameOrId),
    mounted: async () => (await import('./mount.js')).mountedContainers(context),
    unmount: async (nameOrId: string) => (await import('./mount.js')).unmountContainer(context, nameOrId),
    pause: async (nameOrId: string) => (await import('./pause.js')).pauseContainer(context, nameOrId),
    unpause: async (nameOrId: string) => (await import('./pause.js')).unpauseContainer(context, nameOrId),
    /** Its processes; nothing of the image is executed. */
    top: async (nameOrId: string, descriptors?: readonly string[]) =>
      (await import('./top.js')).topContainer(context, nameOrId, descriptors),
    /** The names that `top` knows. */
    topDescriptors: async () => (await import('./top.js')).topDescriptors(),
    ports: async (nameOrId: string, wanted?: string) =>
      (await import('./port.js')).containerPorts(context, nameOrId, wanted),
    /** What containers use, again and again. Without names: those that run. */
    stats: (names: readonly string[] = [], options?: StatsOptions) => statsLater(context, names, options),
    /** Runs a health check now. */
    healthcheck: async (nameOrId: string) => (await import('./healthcheck.js')).runHealthcheck(context, nameOrId),
  }
}

async function* statsLater(
  context: Context,
  names: readonly string[],
  options: StatsOptions | undefined,
): AsyncGenerator<readonly ContainerStats[]> {
  const { containerStats } = await import('./stats.js')
  yield* containerStats(context, names, options)
}

async function* logTextLater(context: Context, nameOrId: string, options?: LogOptions): AsyncGenerator<LogText> {
  const { containerLogText } = await import('./logs.js')
  yield* containerLogText(context, nameOrId, options)
}

async function* logsLater(
  context: Context,
  nameOrId: string,
  options: LogOptions | undefined,
): AsyncGenerator<LogLine> {
  const { containerLogs } = await import('./logs.js')
  yield* containerLogs(context, nameOrId, options)
}
