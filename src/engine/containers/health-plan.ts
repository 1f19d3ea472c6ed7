import { statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { HealthcheckSpec } from '../../container/spec.js'
import type { HealthcheckPlan } from '../../runtime/protocol.js'

const second = 1_000_000_000

/** The health check as the monitor runs it; nothing for a container without one. */
export function healthPlan({ id, spec }: ContainerRecord): { readonly healthcheck?: HealthcheckPlan } {
  const check = spec.healthcheck
  if (check?.command === undefined) return {}
  const { startup } = check
  return {
    healthcheck: {
      argv: healthCommand(check.command),
      intervalNs: check.interval ?? 30 * second,
      timeoutNs: check.timeout ?? 30 * second,
      startPeriodNs: check.startPeriod ?? 0,
      startIntervalNs: check.startInterval ?? 0,
      retries: Math.max(1, check.retries ?? 3),
      onFailure: check.onFailure ?? 'none',
      ...(startup === undefined
        ? {}
        : {
            startup: {
              argv: healthCommand(startup.command),
              intervalNs: startup.interval ?? 30 * second,
              timeoutNs: startup.timeout ?? 30 * second,
              successes: Math.max(1, startup.successes ?? 1),
              retries: startup.retries ?? 0,
            },
          }),
      ...logDestination(check, id),
      maxLogCount: check.maxLogCount ?? 5,
      maxLogSize: check.maxLogSize ?? 500,
    },
  }
}

/** `local` is the container's folder, where the monitor writes anyway. */
function logDestination(
  { logDestination: to }: HealthcheckSpec,
  id: string,
): Partial<Pick<HealthcheckPlan, 'logPath' | 'logEvents'>> {
  if (to === undefined || to === '' || to === 'local') return {}
  if (to === 'events_logger') return { logEvents: true }
  if (statSync(to, { throwIfNoEntry: false })?.isDirectory() === true)
    return { logPath: join(to, `${id}-healthcheck.log`) }
  throw new TspodError('invalid-argument', `--health-log-destination ${to} is not a folder`)
}

/** `CMD` with its words, or a line for the shell of the image. */
export function healthCommand(command: readonly string[]): readonly string[] {
  const [kind, ...rest] = command
  if (kind === 'CMD') return rest
  if (kind === 'CMD-SHELL') return ['/bin/sh', '-c', rest.join(' ')]
  return command
}
