import type { LogLevel } from '../index.js'

const order: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error']

/** Whether a message of level `entry` is printed when `wanted` and above are. */
export function levelAtLeast(entry: LogLevel, wanted: LogLevel): boolean {
  return order.indexOf(entry) >= order.indexOf(wanted)
}
