import type { Moment } from '../../base/moment.js'

/** What happened, as a line of `events.jsonl` says it: Podman's names. */
export interface EngineEvent {
  /** RFC 3339 with nanoseconds, UTC. */
  readonly Time: string
  readonly Type: EventType
  /** `create`, `start`, `died`, `pull` … */
  readonly Status: string
  readonly ID?: string
  readonly Name?: string
  readonly Image?: string
  readonly Network?: string
  readonly ContainerExitCode?: number
  readonly HealthStatus?: string
  readonly Error?: string
  readonly Attributes?: Readonly<Record<string, string>>
}

export const eventTypes = ['container', 'image', 'network', 'pod', 'secret', 'system', 'volume'] as const
export type EventType = (typeof eventTypes)[number]

/** What an operation says; the time is added. */
export type EventReport = Omit<EngineEvent, 'Time'>

export interface EventOptions {
  /** Goes on with what happens from now. */
  readonly follow?: boolean
  readonly since?: Date | Moment
  readonly until?: Date | Moment
  /** `key=value` pairs: container, image, event, type, label, volume, pod. */
  readonly filters?: readonly string[]
  readonly signal?: AbortSignal
}
