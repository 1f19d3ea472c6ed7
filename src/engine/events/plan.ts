import type { ContainerRecord } from '../../container/record.js'
import type { EventsPlan } from '../../runtime/protocol.js'
import type { Paths } from '../../state/paths.js'
import { containerEvent, eventsLock, eventsPath } from './write.js'

/** Where and how the monitor of a container says what happens to it. */
export function eventsPlan(paths: Paths, record: ContainerRecord): EventsPlan {
  const { Image = '', Attributes = {} } = containerEvent(record, '')
  return { file: eventsPath(paths), lock: eventsLock(paths), fields: { Image, Attributes } }
}

/** The same for one more process in it, which its monitor calls by the container's ID. */
export function execEventsPlan(paths: Paths, record: ContainerRecord, session: string): EventsPlan {
  const plan = eventsPlan(paths, record)
  const Attributes = { ...record.spec.labels, execID: session }
  return { ...plan, fields: { ...plan.fields, Name: record.name, Attributes } }
}
