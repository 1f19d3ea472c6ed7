import type { BuildEvent } from '../../index.js'

/**
 * Makes text of what a build tells: each call answers what is to be written now, often nothing. Times are milliseconds
 * since 1970. It holds no clock and writes nothing, so that a list of events is a test.
 */
export interface BuildView {
  event(event: BuildEvent, at: number): string
  /** Time has passed. */
  tick(at: number): string
  /** Nothing more comes. */
  end(at: number): string
}

/** Shows nothing: `--quiet`. */
export const silentView: BuildView = { event: () => '', tick: () => '', end: () => '' }

/** `0.3`: seconds, as BuildKit shows them. */
export function seconds(milliseconds: number, digits = 1): string {
  return (Math.max(0, milliseconds) / 1000).toFixed(digits)
}

/** ` - Rule: message (line 3)` of each warning, below how many there are. */
export function formatWarnings(warnings: readonly Extract<BuildEvent, { type: 'warning' }>[]): string {
  if (warnings.length === 0) return ''
  const lines = warnings.map(({ rule, message, line }) => {
    const where = line === undefined ? '' : ` (line ${String(line)})`
    return ` - ${rule === undefined ? '' : `${rule}: `}${message}${where}\n`
  })
  return `\n ${String(lines.length)} warning${lines.length === 1 ? '' : 's'} found:\n${lines.join('')}`
}
