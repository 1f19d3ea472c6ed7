import { TspodError } from '../base/errors.js'
import type { ListedRecord } from './record.js'
import type { HealthcheckSpec, ResourceSpec, RestartPolicy } from './spec.js'

/**
 * `changes.json`, beside a record that is written once: what was asked for since (`rename`, `update`). Replaced whole.
 * Each member takes the place of the record's.
 */
export interface RecordChanges {
  readonly version: 1
  readonly name?: string
  readonly resources?: ResourceSpec
  readonly restart?: Required<RestartPolicy>
  readonly healthcheck?: HealthcheckSpec | 'none'
  /** `KEY=VALUE` */
  readonly env?: readonly string[]
}

/** The record as it is meant now. */
export function applyChanges<T extends ListedRecord>(record: T, changes: RecordChanges): T {
  const { name = record.name, resources, restart, healthcheck, env } = changes
  const { healthcheck: before, ...spec } = record.spec
  const check = healthcheck === undefined ? before : healthcheck === 'none' ? undefined : healthcheck
  return {
    ...record,
    name,
    spec: {
      ...spec,
      ...(check === undefined ? {} : { healthcheck: check }),
      ...(resources === undefined ? {} : { resources }),
      ...(restart === undefined ? {} : { restart }),
      ...(env === undefined ? {} : { env }),
    },
  }
}

/** Looks at what a reader depends on; the rest was written by us in one piece. */
export function parseChanges(value: unknown, path: string): RecordChanges {
  if (typeof value === 'object' && value !== null && 'version' in value && value.version === 1) {
    const { name } = value as RecordChanges
    if (name === undefined || (typeof name === 'string' && /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)))
      return value as RecordChanges
  }
  throw new TspodError('store-corrupt', `${path} does not say what was changed of a container`)
}
