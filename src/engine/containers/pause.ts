import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupSupport } from '../../../rootless/cgroup.js'
import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import { hasErrno, isMissing } from '../../state/file.js'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { observe } from './observe.js'
import { findContainer } from './store.js'

/** Stops all processes of a container where they are, by its cgroup: no process can notice or refuse. */
export async function pauseContainer(context: Context, nameOrId: string): Promise<void> {
  const record = findContainer(context, nameOrId)
  const { status, state } = observe(context, record.id)
  if (status !== 'running') throw wrongState(`${record.name} is ${status}, not running: can't pause`)
  await freeze(requireCgroup(context, record, state?.cgroupPath, 'pause'), true)
  emitContainerEvent(context, record, 'pause')
}

/** Lets a paused container go on. */
export async function unpauseContainer(context: Context, nameOrId: string): Promise<void> {
  const record = findContainer(context, nameOrId)
  const { status, state } = observe(context, record.id)
  if (status !== 'paused') throw wrongState(`${record.name} is ${status}, not paused: can't unpause`)
  await freeze(requireCgroup(context, record, state?.cgroupPath, 'unpause'), false)
  emitContainerEvent(context, record, 'unpause')
}

/** The cgroup of a running container, or the reason why it has none that is its own. */
export function requireCgroup(
  context: Context,
  record: ContainerRecord,
  path: string | undefined,
  verb: string,
  code: 'not-supported' | 'limits-unavailable' = 'not-supported',
): string {
  if (path !== undefined && path !== '') return path
  throw new TspodError(
    code,
    `cannot ${verb} ${record.name}: it has no cgroup of its own, since ${reasonFor(context, record)}`,
  )
}

function reasonFor(context: Context, record: ContainerRecord): string {
  if (record.spec.cgroups === 'disabled') return 'it was made with --cgroups=disabled'
  const { reason, remedy, manager } = cgroupSupport(context.options.cgroupManager)
  if (manager !== 'disabled') return 'there was none to be had when it was started; restart it'
  return remedy.length === 0 ? reason : `${reason} ("tspod doctor" says how to change that)`
}

const patienceMilliseconds = 10_000
const lookAgainMilliseconds = 10

/** Writes cgroup.freeze and waits for cgroup.events to say that it is so: a process in the kernel takes a while. */
async function freeze(cgroup: string, wanted: boolean): Promise<void> {
  try {
    writeFileSync(join(cgroup, 'cgroup.freeze'), wanted ? '1' : '0')
    for (let waited = 0; isFrozenNow(cgroup) !== wanted; waited += lookAgainMilliseconds) {
      if (waited >= patienceMilliseconds) {
        if (wanted) writeFileSync(join(cgroup, 'cgroup.freeze'), '0')
        throw new TspodError(
          'io',
          `${cgroup} is not ${wanted ? 'frozen' : 'thawed'} after ${patienceMilliseconds / 1000} seconds`,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, lookAgainMilliseconds))
    }
  } catch (error) {
    if (error instanceof TspodError) throw error
    if (isMissing(error) || hasErrno(error, 'ENODEV')) throw wrongState(`the cgroup ${cgroup} is gone`)
    throw new TspodError('io', `writing ${join(cgroup, 'cgroup.freeze')}`, { cause: error })
  }
}

function isFrozenNow(cgroup: string): boolean {
  return /^frozen 1$/m.test(readFileSync(join(cgroup, 'cgroup.events'), 'latin1'))
}

function wrongState(message: string): TspodError {
  return new TspodError('container-state', `${message}: container state improper`)
}
