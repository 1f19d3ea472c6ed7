import type { HealthcheckSpec } from '../../index.js'
import { invalid, parseDuration, parseInteger } from './value.js'

/** The `--health-…` values as they were typed. */
export interface HealthFlags {
  readonly 'health-cmd'?: string | undefined
  readonly 'health-interval'?: string | undefined
  readonly 'health-timeout'?: string | undefined
  readonly 'health-retries'?: string | undefined
  readonly 'health-start-period'?: string | undefined
  readonly 'health-start-interval'?: string | undefined
  readonly 'health-on-failure'?: string | undefined
  readonly 'health-log-destination'?: string | undefined
  readonly 'health-max-log-count'?: string | undefined
  readonly 'health-max-log-size'?: string | undefined
  readonly 'health-startup-cmd'?: string | undefined
  readonly 'health-startup-interval'?: string | undefined
  readonly 'health-startup-retries'?: string | undefined
  readonly 'health-startup-success'?: string | undefined
  readonly 'health-startup-timeout'?: string | undefined
  readonly 'no-healthcheck': boolean
}

type Mutable = { -readonly [K in keyof HealthcheckSpec]: HealthcheckSpec[K] }

/** What of the image's health check is changed; nothing if nothing was asked for. */
export function parseHealthcheck(flags: HealthFlags): HealthcheckSpec | 'none' | undefined {
  const command = flags['health-cmd']
  if (flags['no-healthcheck']) {
    if (command !== undefined) throw invalid('--no-healthcheck and --health-cmd cannot be used together')
    return 'none'
  }
  if (command === 'none') return 'none'
  const health: Mutable = {}
  if (command !== undefined) health.command = parseHealthCommand(command)
  setInterval(health, flags)
  const retries = flags['health-retries']
  if (retries !== undefined) health.retries = parseInteger(retries, 1, 1_000_000)
  const onFailure = flags['health-on-failure']
  if (onFailure !== undefined) health.onFailure = parseOnFailure(onFailure)
  setLog(health, flags)
  const startup = parseStartup(flags)
  if (startup !== undefined) health.startup = startup
  return Object.keys(health).length === 0 ? undefined : health
}

function setLog(health: Mutable, flags: HealthFlags): void {
  const destination = flags['health-log-destination']
  if (destination !== undefined) health.logDestination = destination
  const count = flags['health-max-log-count']
  if (count !== undefined) health.maxLogCount = parseInteger(count, 0, 1_000_000)
  const size = flags['health-max-log-size']
  if (size !== undefined) health.maxLogSize = parseInteger(size, 0, 2 ** 31 - 1)
}

function parseStartup(flags: HealthFlags): HealthcheckSpec['startup'] {
  const command = flags['health-startup-cmd']
  const { 'health-startup-interval': interval, 'health-startup-timeout': timeout } = flags
  const { 'health-startup-retries': retries, 'health-startup-success': successes } = flags
  if (command === undefined || command === '') {
    if ([interval, timeout, retries, successes].some((value) => value !== undefined))
      throw invalid('a startup check needs its command: --health-startup-cmd')
    return undefined
  }
  return {
    command: parseHealthCommand(command),
    ...(interval === undefined ? {} : { interval: interval === 'disable' ? 0 : parseDuration(interval) }),
    ...(timeout === undefined ? {} : { timeout: atLeastOneSecond(timeout, '--health-startup-timeout') }),
    ...(retries === undefined ? {} : { retries: parseInteger(retries, 0, 1_000_000) }),
    ...(successes === undefined ? {} : { successes: parseInteger(successes, 1, 1_000_000) }),
  }
}

function setInterval(health: Mutable, flags: HealthFlags): void {
  const interval = flags['health-interval']
  if (interval !== undefined) health.interval = interval === 'disable' ? 0 : parseDuration(interval)
  const timeout = flags['health-timeout']
  if (timeout !== undefined) health.timeout = atLeastOneSecond(timeout, '--health-timeout')
  const startPeriod = flags['health-start-period']
  if (startPeriod !== undefined) health.startPeriod = parseDuration(startPeriod)
  const startInterval = flags['health-start-interval']
  if (startInterval !== undefined) health.startInterval = parseDuration(startInterval)
}

function atLeastOneSecond(text: string, flag: string): number {
  const duration = parseDuration(text)
  if (duration < 1e9) throw invalid(`${flag} must be at least 1 second`)
  return duration
}

/** A JSON array is `CMD` with its words, anything else goes to a shell. */
function parseHealthCommand(text: string): readonly string[] {
  if (!text.trimStart().startsWith('[')) return ['CMD-SHELL', text]
  try {
    const words: unknown = JSON.parse(text)
    if (Array.isArray(words) && words.length > 0 && words.every((word): word is string => typeof word === 'string')) {
      return /^(?:CMD|CMD-SHELL|NONE)$/.test(words[0] ?? '') ? words : ['CMD', ...words]
    }
  } catch {
    // Not JSON: `[ -f /x ]` is a command too.
    return ['CMD-SHELL', text]
  }
  throw invalid('--health-cmd must be a command or a JSON array of texts')
}

function parseOnFailure(text: string): NonNullable<HealthcheckSpec['onFailure']> {
  if (text === 'none' || text === 'kill' || text === 'restart' || text === 'stop') return text
  throw invalid(`unknown action "${text}" for --health-on-failure: none, kill, restart or stop`)
}
