import type { ContainerRecord } from '../../container/record.js'
import type { HealthStatus, ObservedHealth } from '../../runtime/protocol.js'
import { exists, readJson } from '../../state/file.js'
import type { Context } from '../context.js'
import { isUp, type Observed } from './observe.js'
import { containerPaths } from './store.js'

/** What the checks of a container found; undefined before the first one, and where the file tells nothing. */
export function readHealth(context: Context, id: string): ObservedHealth | undefined {
  const path = containerPaths(context.paths, id).health
  try {
    return exists(path) ? parseHealth(readJson(path)) : undefined
  } catch (error) {
    context.log('debug', `${path}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** The health of a container that has a check, if it runs: `starting` until there is a result. */
export function healthStatus(context: Context, record: ContainerRecord, seen: Observed): HealthStatus | undefined {
  if (record.spec.healthcheck === undefined || !isUp(seen)) return undefined
  return readHealth(context, record.id)?.status ?? 'starting'
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
