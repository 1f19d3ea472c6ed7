import type { BuildEvent } from '../../index.js'
import type { BuildView } from './view.js'

/**
 * A line of JSON for each event, in the form of BuildKit's `rawjson` (its SolveStatus): vertexes, statuses, logs and
 * warnings. A vertex's `digest` tells steps of one build apart; it is the digest of nothing.
 */
export function rawJsonView(): BuildView {
  const steps = new Map<number, Vertex>()
  return {
    event: (event, at) => `${JSON.stringify(statusOf(event, at, steps))}\n`,
    tick: () => '',
    end: () => '',
  }
}

interface Vertex {
  readonly digest: string
  readonly name: string
  readonly started: string
}

function statusOf(event: BuildEvent, at: number, steps: Map<number, Vertex>): Record<string, unknown> {
  const timestamp = new Date(at).toISOString()
  if (event.type === 'warning') return { warnings: [warningOf(event)] }
  const vertex = digestOf(event.step)
  switch (event.type) {
    case 'step-started': {
      const started = { digest: vertex, name: event.name, started: timestamp }
      steps.set(event.step, started)
      return { vertexes: [started] }
    }
    case 'step-progress':
      return { statuses: [statusLine(event, vertex, timestamp, steps.get(event.step)?.started)] }
    case 'step-output': {
      const stream = event.stream === 'stdout' ? 1 : 2
      return { logs: [{ vertex, stream, data: event.bytes.toString('base64'), timestamp }] }
    }
    case 'step-finished': {
      const { cached, error } = event
      const more = { ...(cached ? { cached } : {}), ...(error === undefined ? {} : { error }) }
      return { vertexes: [{ ...(steps.get(event.step) ?? { digest: vertex }), completed: timestamp, ...more }] }
    }
  }
}

function statusLine(
  { id, current, total }: Extract<BuildEvent, { type: 'step-progress' }>,
  vertex: string,
  timestamp: string,
  started: string | undefined,
): Record<string, unknown> {
  const done = total !== undefined && current >= total
  return {
    id,
    vertex,
    name: id,
    total: total ?? 0,
    current,
    timestamp,
    started,
    ...(done ? { completed: timestamp } : {}),
  }
}

function warningOf({ rule, message, line }: Extract<BuildEvent, { type: 'warning' }>): Record<string, unknown> {
  const short = Buffer.from(rule === undefined ? message : `${rule}: ${message}`).toString('base64')
  const range = line === undefined ? {} : { range: [{ start: { line }, end: { line } }] }
  return { level: 1, short, ...range }
}

function digestOf(step: number): string {
  return `sha256:${step.toString(16).padStart(64, '0')}`
}
