import { isatty } from '../base/syscalls.js'

export { isatty }

/** Whether progress can be drawn on standard error. */
export function drawsOnTerminal(): boolean {
  return isatty(2) && process.env['TERM'] !== 'dumb'
}
