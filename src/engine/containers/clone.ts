import type { ContainerRecord } from '../../container/record.js'
import type { ResourceSpec } from '../../container/spec.js'
import { requireName, validateSpec } from '../../container/validate.js'
import { TspodError } from '../../base/errors.js'
import { removeFile } from '../../state/file.js'
import { join } from 'node:path'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { containerImage } from './image.js'
import { removeContainer } from './remove.js'
import { claimName, findContainer, lockContainer, saveRecord } from './store.js'
import type { Created } from './types.js'
import { mergeResources } from './update.js'

export interface CloneOptions {
  readonly name?: string
  /** Another image than the original's. */
  readonly image?: string
  readonly resources?: ResourceSpec
  /** Removes the original. */
  readonly destroy?: boolean
  /** With `destroy`: even if it runs. */
  readonly force?: boolean
}

/** Makes a container that was asked for as another was. Its files are the image's; volumes are the same. */
export async function cloneContainer(context: Context, nameOrId: string, options: CloneOptions = {}): Promise<Created> {
  if (options.name !== undefined) requireName(options.name)
  const original = findContainer(context, nameOrId)
  const id = context.newId()
  const spec = await clonedSpec(context, original, id, options)
  const warnings = validateSpec(spec)
  const lock = await lockContainer(context, id)
  try {
    const name = claimCloneName(context, original.name, id, options.name)
    const record: ContainerRecord = {
      ...original,
      id,
      name,
      created: context.clock().toISOString(),
      spec,
      /* They go with the original; who mounts them keeps them alive. */
      anonymousVolumes: [],
      ephemeral: false,
    }
    try {
      saveRecord(context, record, { sync: true })
    } catch (error) {
      removeFile(join(context.paths.names, name))
      throw error
    }
    emitContainerEvent(context, record, 'create')
    if (options.destroy === true) await removeContainer(context, original.id, { force: options.force === true })
    return { id, name, warnings }
  } finally {
    lock.release({ unlink: true })
  }
}

async function clonedSpec(
  context: Context,
  { id: originalId, spec: { cidfile: _, ...spec } }: ContainerRecord,
  id: string,
  options: CloneOptions,
): Promise<ContainerRecord['spec']> {
  const image =
    options.image === undefined
      ? spec.image
      : (await containerImage(context, { image: options.image }, await context.conf())).image
  return {
    ...spec,
    image,
    resources: mergeResources(spec.resources, options.resources ?? {}),
    hostname: spec.hostname === originalId.slice(0, 12) ? id.slice(0, 12) : spec.hostname,
  }
}

/** `web-clone`, then `web-clone1` and so on, as Podman calls them. */
function claimCloneName(context: Context, original: string, id: string, wanted: string | undefined): string {
  for (let count = 0; ; count++) {
    const name = wanted ?? `${original}-clone${count === 0 ? '' : String(count)}`
    const taken = claimName(context, name, id)
    if (!taken) return name
    if (wanted !== undefined || count > 10_000)
      throw new TspodError('name-in-use', `the container name "${name}" is already in use by ${taken.takenBy}`)
  }
}
