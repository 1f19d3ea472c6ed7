import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { limitFiles } from '../../../rootless/cgroup-plan.js'
import { TspodError } from '../../base/errors.js'
import type { RecordChanges } from '../../container/changes.js'
import { applyChanges } from '../../container/changes.js'
import type { ContainerRecord } from '../../container/record.js'
import { launchesAgain } from '../../container/relaunch.js'
import type { HealthcheckSpec, ResourceSpec, RestartPolicy } from '../../container/spec.js'
import { validateSpec } from '../../container/validate.js'
import { hasErrno, isMissing } from '../../state/file.js'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { isUp, observe, type Observed } from './observe.js'
import { requireCgroup } from './pause.js'
import { tellMonitor } from './replan.js'
import { findContainer, lockContainer, noSuchContainer, readRecord, saveChanges } from './store.js'

/** What `update` changes of a container; what is absent stays. */
export interface ContainerUpdate {
  readonly resources?: ResourceSpec
  readonly restart?: RestartPolicy
  /** Members over those it has. */
  readonly healthcheck?: HealthcheckSpec | 'none'
  /** From the next start on. */
  readonly env?: Readonly<Record<string, string>>
  readonly unsetEnv?: readonly string[]
}

/**
 * Changes limits, restart policy, health check and environment. A running container's limits are written to its cgroup
 * first: if the kernel refuses one, nothing is recorded. Returns the ID.
 */
export async function updateContainer(context: Context, nameOrId: string, update: ContainerUpdate): Promise<string> {
  const { id } = findContainer(context, nameOrId)
  const lock = await lockContainer(context, id)
  let gone = false
  try {
    const record = readRecord(context, id)
    gone = record === undefined
    if (record === undefined) throw noSuchContainer(nameOrId)
    const changes = changesOf(record, update)
    const changed = applyChanges(record, { version: 1, ...changes })
    for (const warning of validateSpec(changed.spec)) context.log('warn', warning)
    const seen = observe(context, id)
    if (isUp(seen)) requireMountableAgain(record, changed)
    if (isUp(seen) && changes.resources) writeLimits(context, record, changed, seen)
    saveChanges(context, id, changes)
    if (seen.monitored && (changes.restart ?? changes.healthcheck) !== undefined) await tellMonitor(context, changed)
    emitContainerEvent(context, record, 'update')
    return id
  } finally {
    lock.release({ unlink: gone })
  }
}

/** The kernel mounts the root of a container that goes with its end once only: that is cheaper (rootfs.ts, volatile). */
function requireMountableAgain(before: ContainerRecord, after: ContainerRecord): void {
  if (!before.spec.remove || launchesAgain(before.spec) || !launchesAgain(after.spec)) return
  throw new TspodError(
    'container-state',
    `${before.name} was started with --rm and nothing that starts it again, so its root can't be mounted a second time: ` +
      'run it without --rm',
  )
}

function changesOf({ spec }: ContainerRecord, update: ContainerUpdate): Omit<RecordChanges, 'version'> {
  const { resources, restart, healthcheck, env = {}, unsetEnv = [] } = update
  return {
    ...(resources === undefined ? {} : { resources: mergeResources(spec.resources, resources) }),
    ...(restart === undefined ? {} : { restart: { name: restart.name, maximumRetries: restart.maximumRetries ?? 0 } }),
    ...(healthcheck === undefined ? {} : { healthcheck: mergeHealthcheck(spec.healthcheck, healthcheck) }),
    ...(Object.keys(env).length + unsetEnv.length === 0 ? {} : { env: mergeEnv(spec.env, env, unsetEnv) }),
  }
}

/** `--cpus` and the quota say the same: the later one counts. */
export function mergeResources(before: ResourceSpec, update: ResourceSpec): ResourceSpec {
  const { cpus, cpuPeriod, cpuQuota, ...rest } = before
  const byQuota = update.cpuPeriod !== undefined || update.cpuQuota !== undefined
  return {
    ...rest,
    ...(cpus === undefined || update.cpus !== undefined || byQuota ? {} : { cpus }),
    ...(update.cpus !== undefined || cpuPeriod === undefined ? {} : { cpuPeriod }),
    ...(update.cpus !== undefined || cpuQuota === undefined ? {} : { cpuQuota }),
    ...update,
  }
}

function mergeHealthcheck(
  before: HealthcheckSpec | undefined,
  update: HealthcheckSpec | 'none',
): HealthcheckSpec | 'none' {
  if (update === 'none') return 'none'
  const merged = { ...before, ...update }
  if (merged.command !== undefined) return merged
  throw new TspodError('container-state', 'the container has no health check to change: give it one by --health-cmd')
}

function mergeEnv(
  before: readonly string[],
  env: Readonly<Record<string, string>>,
  unset: readonly string[],
): readonly string[] {
  const variables = new Map(before.map((text) => [text.slice(0, text.indexOf('=')), text]))
  for (const name of unset) variables.delete(name)
  for (const [name, value] of Object.entries(env)) variables.set(name, `${name}=${value}`)
  return [...variables.values()]
}

/** Only what differs: a file that is not there is no matter as long as nobody wants it changed. */
function writeLimits(context: Context, before: ContainerRecord, after: ContainerRecord, seen: Observed): void {
  const limits = (record: ContainerRecord) => limitFiles({ limits: record.spec.resources }).files
  const old = new Map(limits(before).map(({ name, value }) => [name, value]))
  const different = limits(after).filter(({ name, value }) => old.get(name) !== value)
  if (different.length === 0) return
  const cgroup = requireCgroup(context, before, seen.state?.cgroupPath, 'update the limits of', 'limits-unavailable')
  for (const { name, value, required } of different) {
    try {
      writeFileSync(join(cgroup, name), value, { flag: 'r+' })
    } catch (error) {
      if (!required && (isMissing(error) || hasErrno(error, 'EACCES'))) continue
      const why = isMissing(error) ? 'this controller is not delegated to its cgroup' : messageOf(error)
      throw new TspodError('limits-unavailable', `cannot set ${name} of ${before.name} to ${value}: ${why}`, {
        cause: error,
      })
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
