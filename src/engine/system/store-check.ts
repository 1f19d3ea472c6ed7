import { join } from 'node:path'
import { isId } from '../../base/id.js'
import { digestHex } from '../../base/digest.js'
import { TspodError } from '../../base/errors.js'
import type { Digest } from '../../oci/image-spec.js'
import { namesIn } from '../../state/collection.js'
import { exists, readJson, removeFile } from '../../state/file.js'
import { saveStateAgain } from '../containers/by-monitor.js'
import { observe } from '../containers/observe.js'
import { removeContainer } from '../containers/remove.js'
import { containerPaths, idOfName, readRecord } from '../containers/store.js'
import { sweepAll } from '../containers/sweep.js'
import type { Context } from '../context.js'
import { volumesOf } from '../volumes.js'
import { checkArtifacts } from './artifact-check.js'
import { messageOf, type StoreCheckOptions, type StoreDamage } from './damage.js'
import { checkImages } from './image-check.js'

/** Looks at every record, name, image, artifact and blob of the store. What is damaged is told, and with `repair` taken away. */
export async function checkStore(context: Context, options: StoreCheckOptions = {}): Promise<StoreDamage[]> {
  if (options.repair === true) await sweepAll(context)
  return [
    ...(await checkContainers(context, options)),
    ...checkNames(context, options),
    ...(await checkImages(context, options)),
    ...(await checkArtifacts(context, options)),
    ...checkVolumes(context),
  ]
}

async function checkContainers(context: Context, options: StoreCheckOptions): Promise<StoreDamage[]> {
  const damages: StoreDamage[] = []
  for (const id of namesIn(context.paths.containers).filter(isId)) {
    const problem = problemOf(() => {
      const record = readRecord(context, id)
      if (record === undefined) throw new TspodError('store-corrupt', 'it has no record')
      if (record.id !== id) throw new TspodError('store-corrupt', `its record is of container ${record.id}`)
      observe(context, id)
      for (const diffId of record.spec.image.layers)
        if (!exists(join(context.paths.layers, digestHex(diffId as Digest), 'diff')))
          throw new TspodError('store-corrupt', `the layer ${diffId} of its image is missing`)
    })
    if (problem === undefined) continue
    const repaired = options.repair === true && (await repairContainer(context, id, options.force === true))
    damages.push({ kind: 'container', name: id, problem, repaired })
  }
  return damages
}

/** What was observed and what was changed can be done without; the record can't. */
async function repairContainer(context: Context, id: string, force: boolean): Promise<boolean> {
  const paths = containerPaths(context.paths, id)
  if (problemOf(() => observe(context, id)) !== undefined) await saveStateAgain(context, id)
  for (const file of [paths.state, paths.changes, paths.health])
    if (problemOf(() => readJson(file)) !== undefined) removeFile(file)
  const isSound = problemOf(() => {
    if (readRecord(context, id) === undefined) throw new TspodError('store-corrupt', 'no record')
    observe(context, id)
  })
  if (isSound === undefined) return true
  if (!force) return false
  await removeContainer(context, id, { force: true, depend: true, volumes: true })
  return true
}

/** A name is a symbolic link to the ID of a container that is called so. */
function checkNames(context: Context, options: StoreCheckOptions): StoreDamage[] {
  return namesIn(context.paths.names).flatMap((name): StoreDamage[] => {
    const id = idOfName(context, name)
    const problem = id === undefined ? 'it is no link to a container' : wrongName(context, id, name)
    if (problem === undefined) return []
    if (options.repair === true) removeFile(join(context.paths.names, name))
    return [{ kind: 'name', name, problem, repaired: options.repair === true }]
  })
}

function wrongName(context: Context, id: string, name: string): string | undefined {
  if (!exists(containerPaths(context.paths, id).folder)) return `there is no container ${id}`
  try {
    const called = readRecord(context, id)?.name
    return called === undefined || called === name ? undefined : `container ${id} is called ${called}`
  } catch {
    return undefined // told already, of the container
  }
}

/** Told only: a volume's files are nobody's to throw away. */
function checkVolumes(context: Context): StoreDamage[] {
  const damages: StoreDamage[] = []
  volumesOf(context).list((name, error) => {
    damages.push({ kind: 'volume', name, problem: messageOf(error), repaired: false })
  })
  return damages
}

function problemOf(look: () => unknown): string | undefined {
  try {
    look()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}
