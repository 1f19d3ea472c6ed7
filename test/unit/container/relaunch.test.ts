import { expect, test } from 'vitest'

import { launchesAgain } from '../../../src/container/relaunch.js'
import type { HealthcheckSpec, RestartPolicy } from '../../../src/container/spec.js'

const command = ['CMD', 'true']
const cases: [name: RestartPolicy['name'], healthcheck: HealthcheckSpec | undefined, expected: boolean][] = [
  ['no', undefined, false],
  ['on-failure', undefined, true],
  ['always', undefined, true],
  ['unless-stopped', undefined, true],
  ['no', { command }, false],
  ['no', { command, onFailure: 'kill' }, false],
  ['no', { command, onFailure: 'restart' }, true],
  ['no', { onFailure: 'restart' }, false],
  ['no', { command, startup: { command, retries: 0 } }, false],
  ['no', { command, startup: { command, retries: 2 } }, true],
]

test.each(cases)('restart %s, health check %j: %s', (name, healthcheck, expected) => {
  const spec = { restart: { name, maximumRetries: 0 }, ...(healthcheck === undefined ? {} : { healthcheck }) }
  expect(launchesAgain(spec)).toBe(expected)
})
