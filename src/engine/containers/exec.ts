import { mkdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { nativeFile } from '../../base/native-dir.js'
import { execve } from '../../base/syscalls.js'
import type { ContainerRecord } from '../../container/record.js'
import { allCapabilities } from '../../container/capabilities.js'
import { processSection } from '../../container/oci-config/process.js'
import type { ExecPlan } from '../../runtime/protocol.js'
import { folderMode, writeFile } from '../../state/file.js'
import type { Context } from '../context.js'
import { execEventsPlan } from '../events/plan.js'
import { hardLimit } from './host-limits.js'
import { observe } from './observe.js'
import { seccompFilter } from './seccomp.js'
import { preservedFds } from './preserved-fds.js'
import { containerPaths, findContainer } from './store.js'
import type { ExecSpec, ForegroundOptions, ForegroundResult } from './types.js'

/** One more process that is about to run in a container: the file that tells the native part all about it. */
export interface ExecSession {
  readonly record: ContainerRecord
  readonly session: string
  readonly planPath: string
}

/** Becomes the native process that runs a command in a running container. Comes back only by throwing. */
export async function execInPlace(
  context: Context,
  nameOrId: string,
  spec: ExecSpec,
  options: ForegroundOptions = {},
): Promise<ForegroundResult> {
  const { planPath, record, session } = await writeExecPlan(context, nameOrId, spec)
  const streams = spec.interactive === true ? 'stdin,stdout,stderr' : 'stdout,stderr'
  const keys = options.detachKeys ?? spec.detachKeys ?? record.spec.detachKeys
  const how =
    options.detach === true
      ? ['--detach', '--announce', session]
      : [
          `--attach=${streams}`,
          ...(keys === '' ? [] : ['--detach-keys', keys]),
          `--sig-proxy=${options.sigProxy ?? spec.tty !== true}`,
        ]
  context.options.beforeExec?.()
  const keepFds = preservedFds(spec.preserveFds ?? 0)
  return execve(nativeFile('tspod-runtime'), ['tspod-runtime', 'exec', planPath, ...how], { keepFds })
}

/** Writes the plan of one more process; the native part removes it when it has read it or ends. */
export async function writeExecPlan(context: Context, nameOrId: string, spec: ExecSpec): Promise<ExecSession> {
  const record = findContainer(context, nameOrId)
  const seen = observe(context, record.id)
  if (seen.status !== 'running' || !seen.state || seen.pid === 0) {
    throw new TspodError(
      'container-not-running',
      `can only create exec sessions on running containers: container state improper`,
    )
  }
  if (spec.command.length === 0) throw new TspodError('usage', 'exec needs a command')
  const session = context.newId()
  const filter = spec.privileged === true ? undefined : await seccompFilter(context, record.spec)
  const plan: ExecPlan = {
    version: 1,
    id: session,
    containerId: record.id,
    session,
    pid: seen.pid,
    startTime: seen.state.startTime,
    process: execProcess(record, spec),
    user: {
      spec: spec.user ?? record.spec.user,
      groupAdd: spec.user === undefined ? record.spec.groupAdd : [],
      setHome: !hasVariable(record, spec, 'HOME'),
    },
    ...(filter === undefined ? {} : { seccompFilter: filter }),
    ...(seen.state.cgroupPath === undefined || seen.state.cgroupPath === ''
      ? {}
      : { cgroupPath: seen.state.cgroupPath }),
    stdinOpen: spec.interactive === true,
    preserveFds: spec.preserveFds ?? 0,
    ...(spec.pidFile === undefined ? {} : { pidFile: spec.pidFile }),
    events: execEventsPlan(context.paths, record, session),
    ...failureCommand(context, record),
  }
  const folder = join(containerPaths(context.paths, record.id).run, 'exec')
  mkdirSync(folder, { recursive: true, mode: folderMode })
  const planPath = join(folder, `${session}.json`)
  writeFile(planPath, JSON.stringify(plan))
  return { record, session, planPath }
}

function execProcess(record: ContainerRecord, spec: ExecSpec): ExecPlan['process'] {
  const own = record.spec
  const as = {
    ...own,
    user: spec.user ?? own.user,
    tty: spec.tty === true,
    /* As in Podman: a relative one is the root's. */
    workdir: spec.workdir === undefined || spec.workdir === '' ? own.workdir : posix.resolve('/', spec.workdir),
    entrypoint: [],
    command: spec.command,
    env: execEnvironment(own.env, spec),
    capabilities: spec.privileged === true ? allCapabilities : own.capabilities,
  }
  return processSection(as, hardLimit)
}

function execEnvironment(env: readonly string[], spec: ExecSpec): string[] {
  const variables = new Map<string, string>()
  if (spec.tty === true) variables.set('TERM', 'xterm')
  for (const text of env) variables.set(text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1))
  for (const [name, value] of Object.entries(spec.env ?? {})) variables.set(name, value)
  return [...variables].map(([name, value]) => `${name}=${value}`)
}

function hasVariable(record: ContainerRecord, spec: ExecSpec, name: string): boolean {
  return record.spec.env.some((text) => text.startsWith(`${name}=`)) || spec.env?.[name] !== undefined
}

function failureCommand(context: Context, record: ContainerRecord): Pick<ExecPlan, 'onError'> {
  const self = context.options.self
  if (self === undefined) return {}
  const { graphroot, runroot } = context.paths
  return { onError: [...self, '--root', graphroot, '--runroot', runroot, '__launch-failed', record.id] }
}
