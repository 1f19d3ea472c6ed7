import type { CompleteSpec } from './complete-spec.js'

/** Whether the monitor may launch the container again by itself: after its end, or since a check says that it is unwell. */
export function launchesAgain({ restart, healthcheck }: Pick<CompleteSpec, 'restart' | 'healthcheck'>): boolean {
  if (restart.name !== 'no') return true
  if (healthcheck?.command === undefined) return false
  return healthcheck.onFailure === 'restart' || (healthcheck.startup?.retries ?? 0) > 0
}
