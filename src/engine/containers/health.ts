import type { ContainerRecord, ListedRecord } from '../../container/record.js'
import type { HealthStatus, ObservedHealth } from '../../runtime/protocol.js'
import { readText } from '../../state/file.js'
import type { Context } from '../context.js'
import { isUp, type Observed } from './observe.js'
import { containerPaths } from './store.js'

/** What the checks of a container found; undefined before the first one, and where the file tells nothing. */
export function readHealth(context: Context, id: string): ObservedHealth | undefined {
  return healthIn(readText(containerPaths(context.paths, id).health))
}

function healthIn(text: string | undefined): ObservedHealth | undefined {
  try {
    return text === undefined ? undefined : parseHealth(JSON.parse(text) as unknown)
  } catch {
    /* Not JSON: the next check writes it whole. */
    return undefined
  }
}

/** The health of a container that has a check, if it runs: `starting` until there is a result. */
export function healthStatus(context: Context, record: ContainerRecord, seen: Observed): HealthStatus | undefined {
  return healthStatusOf(record, seen, () => readText(containerPaths(context.paths, record.id).health))
}

/** The same by the text of `health.json`, asked for only if it matters. */
export function healthStatusOf(
  record: ListedRecord,
  seen: Observed,
  text: () => string | undefined,
): HealthStatus | undefined {
  return record.spec.healthcheck === undefined || !isUp(seen) ? undefined : (healthIn(text())?.status ?? 'starting')
}

/** As far as a reader depends on it. */
export function parseHealth(value: unknown): ObservedHealth | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { status, failingStreak, log } = value as Partial<ObservedHealth>
  if (status !== 'starting' && status !== 'healthy' && status !== 'unhealthy') return undefined
  return {
    status,
    failingStreak: Number.isSafeInteger(failingStreak) ? Number(failingStreak) : 0,
    log: Array.isArray(log) ? log.filter(isEntry) : [],
  }
}

function isEntry(value: unknown): value is ObservedHealth['log'][number] {
  const entry = value as Partial<ObservedHealth['log'][number]> | null
  return (
    entry !== null &&
    typeof entry === 'object' &&
    typeof entry.start === 'string' &&
    typeof entry.end === 'string' &&
    Number.isSafeInteger(entry.exitCode) &&
    typeof entry.output === 'string'
  )
}
