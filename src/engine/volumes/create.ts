import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { withLock } from '../../state/lock.js'
import type { Context } from '../context.js'
import { ensureVolume, volumesOf } from '../volumes.js'
import { requireOptions } from './options.js'
import type { VolumeCreateOptions } from './types.js'

/** Makes a volume that was not there. Answers its name. */
export async function createVolume(context: Context, options: VolumeCreateOptions = {}): Promise<string> {
  const { driver = 'local' } = options
  if (driver !== '' && driver !== 'local') {
    throw new TspodError('not-supported', `volume driver "${driver}" is not supported: only local is`)
  }
  requireOptions(options.options ?? {})
  const name = options.name === undefined || options.name === '' ? context.newId() : requireVolumeName(options.name)
  return withLock(join(context.paths.locks, `volume-${name}`), (lock) => {
    try {
      if (volumesOf(context).get(name) !== undefined) {
        if (options.ignore === true) return name
        throw new TspodError('name-in-use', `volume with name ${name} already exists: volume already exists`)
      }
      ensureVolume(context, {
        name,
        ...(options.labels === undefined ? {} : { labels: options.labels }),
        ...(options.options === undefined ? {} : { options: options.options }),
        anonymous: false,
      })
      return name
    } finally {
      lock.release({ unlink: true })
    }
  })
}

function requireVolumeName(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name)) return name
  throw new TspodError(
    'invalid-argument',
    `${JSON.stringify(name)} is not a name of a volume: names match [a-zA-Z0-9][a-zA-Z0-9_.-]*`,
  )
}
