import type { ContainerRecord } from '../../container/record.js'
import type { LogPlan } from '../../runtime/protocol.js'
import type { Context } from '../context.js'
import { containerPaths } from './store.js'

/** Where and how the monitor writes the log. */
export function logPlan(context: Context, record: ContainerRecord): LogPlan {
  const { log } = record.spec
  const toFile = log.driver === 'k8s-file' || log.driver === 'json-file'
  return {
    driver: log.driver,
    ...(toFile ? { path: logPath(context, record) } : {}),
    maxSize: log.maxSize,
    maxFiles: log.maxFiles,
    ...(log.driver === 'journald' ? { fields: journalFields(record) } : {}),
    ...(log.tag === undefined ? {} : { tag: log.tag }),
  }
}

export function logPath(context: Context, record: ContainerRecord): string {
  return record.spec.log.path ?? containerPaths(context.paths, record.id).log
}

/** What Docker adds to the names of the container, which the monitor gives its lines itself. */
function journalFields({ spec }: ContainerRecord): Record<string, string> {
  return { IMAGE_NAME: spec.image.name }
}
