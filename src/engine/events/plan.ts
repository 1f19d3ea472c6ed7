import type { ContainerRecord } from '../../container/record.js'
import type { EventsPlan } from '../../runtime/protocol.js'
import type { Paths } from '../../state/paths.js'
import { containerEvent, eventsLock, eventsPath } from './write.js'

/** Where and how the monitor of a container says what happens to it. */
export function eventsPlan(paths: Paths, record: ContainerRecord): EventsPlan {
  const { Image = '', Attributes = {} } = containerEvent(record, '')
  return { file: eventsPath(paths), lock: eventsLock(paths), fields: { Image, Attributes } }
}
