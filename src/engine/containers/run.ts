import { aside } from '../../base/looks.js'
import { nativeFile } from '../../base/native-dir.js'
import { execve } from '../../base/syscalls.js'
import type { ContainerRecord } from '../../container/record.js'
import type { ContainerSpec } from '../../container/spec.js'
import type { Context } from '../context.js'
import { preservedFds } from './preserved-fds.js'
import { prepareContainer, type Prepared } from './create.js'
import { writeBundle } from './launch.js'
import { sweep } from './sweep.js'
import type { ForegroundOptions, ForegroundResult, StreamName } from './types.js'

/** So much litter is looked at on the way to a start; the rest is the next command's. */
const sweepLimit = 64

/**
 * Makes a container and becomes the native process that starts it, this process's place in the foreground and its
 * exit status. Comes back only by throwing.
 */
export async function runInPlace(
  context: Context,
  spec: ContainerSpec,
  options: ForegroundOptions = {},
): Promise<ForegroundResult> {
  const prepared = await prepareContainer(context, spec, {
    ephemeral: spec.remove === true,
    ...(options.cidfile === undefined ? {} : { cidfile: options.cidfile }),
  })
  for (const warning of prepared.warnings) context.log('warn', warning)
  await aside(() => sweep(context, sweepLimit))
  return becomeLauncher(context, prepared, { ...options, fresh: true, keep: { named: spec.name !== undefined } })
}

export interface BecomeOptions extends ForegroundOptions {
  /** Made by this very command: a failed launch of `run --rm` takes it away. */
  readonly fresh?: boolean
  /** A start that may be done again (kept-start.ts); whether its name was asked for. */
  readonly keep?: { readonly named: boolean }
  /** What a detached start prints; without: the ID. */
  readonly announce?: string
}

/** Writes the bundle and turns this process into `tspod-runtime launch`. The container's lock goes along. */
export async function becomeLauncher(
  context: Context,
  { record, lock }: Pick<Prepared, 'record' | 'lock'>,
  options: BecomeOptions,
): Promise<ForegroundResult> {
  const onError = failureCommand(context, record, options.fresh === true)
  try {
    const bundle = await writeBundle(context, record, { lockFd: lock.fd, ...(onError ? { onError } : {}) })
    for (const warning of bundle.warnings) context.log('warn', warning)
    const argv = ['tspod-runtime', 'launch', bundle.runDir, ...launchArguments(record, options)]
    if (options.keep && context.options.repeatable) {
      const { keepStart } = await import('./kept-start.js')
      keepStart(context, { record, named: options.keep.named, lockFd: lock.fd, launch: argv.slice(1) })
    }
    context.options.beforeExec?.()
    const preserved = preservedFds(record.spec.preserveFds)
    return execve(nativeFile('tspod-runtime'), argv, { keepFds: [...preserved, lock.fd] })
  } catch (error) {
    if (record.ephemeral || (record.spec.remove && options.fresh === true)) {
      const { removeStopped } = await import('./remove.js')
      await removeStopped(context, record, { volumes: true })
      lock.release({ unlink: true })
    } else lock.release()
    throw error
  }
}

function launchArguments(record: ContainerRecord, options: BecomeOptions): string[] {
  const { spec, id } = record
  if (options.detach === true) return ['--detach', '--announce', options.announce ?? id]
  const keys = options.detachKeys ?? spec.detachKeys
  return [
    `--attach=${attachedStreams(record, options.attach).join(',')}`,
    ...(keys === '' ? [] : ['--detach-keys', keys]),
    `--sig-proxy=${options.sigProxy ?? !spec.tty}`,
  ]
}

/** What `-a` says; otherwise the outputs, and stdin where the container keeps it open. */
export function attachedStreams(
  { spec }: ContainerRecord,
  asked: readonly StreamName[] | undefined,
): readonly StreamName[] {
  if (asked !== undefined && asked.length > 0) return asked
  return spec.interactive ? ['stdin', 'stdout', 'stderr'] : ['stdout', 'stderr']
}

/** The command line that says what went wrong and clears up, run by the native process in its place. */
function failureCommand(context: Context, record: ContainerRecord, fresh: boolean): string[] | undefined {
  const self = context.options.self
  if (self === undefined) return undefined
  const { graphroot, runroot } = context.paths
  const how = fresh ? [] : ['--of-start']
  return [...self, '--root', graphroot, '--runroot', runroot, '__launch-failed', ...how, record.id]
}
