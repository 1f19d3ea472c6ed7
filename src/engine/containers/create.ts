import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { completeSpec } from '../../container/complete.js'
import type { CompleteSpec } from '../../container/complete-spec.js'
import type { ContainerRecord } from '../../container/record.js'
import type { ContainerSpec } from '../../container/spec.js'
import { requireName, validateSpec, withoutPorts } from '../../container/validate.js'
import { requireSupported } from '../../network/supported.js'
import { exists, removeFile, writeFile } from '../../state/file.js'
import type { Lock } from '../../state/lock.js'
import type { Context } from '../context.js'
import { emitContainerEvent } from '../events/write.js'
import { containerImage } from './image.js'
import { generateName } from './names.js'
import { holdLayers } from '../images/hold.js'
import { resolveDonors } from './donors.js'
import { driverForContainer } from './rootfs.js'
import { claimName, findContainer, lockContainer, saveRecord } from './store.js'
import type { CreateOptions, Created } from './types.js'

/** A container that has its record and whose lock this command holds. */
export interface Prepared {
  readonly record: ContainerRecord
  readonly warnings: readonly string[]
  readonly lock: Lock
}

export interface PrepareOptions extends CreateOptions {
  /** It is started by the same command, and goes with its end. */
  readonly ephemeral: boolean
}

/** Makes a container without starting it. */
export async function createContainer(
  context: Context,
  spec: ContainerSpec,
  options: CreateOptions = {},
): Promise<Created> {
  const { record, warnings, lock } = await prepareContainer(context, spec, { ...options, ephemeral: false })
  lock.release({ unlink: true })
  return { id: record.id, name: record.name, warnings }
}

/** Everything up to the record: image, names, volumes. What is made before a failure is taken back. */
export async function prepareContainer(
  context: Context,
  spec: ContainerSpec,
  options: PrepareOptions,
): Promise<Prepared> {
  if (spec.name !== undefined) requireName(spec.name)
  if (options.cidfile !== undefined) requireNoCidfile(options.cidfile)
  if (spec.network !== undefined) requireSupported(spec.network)
  const { completed, warnings, id } = await complete(context, spec, options)
  /* From here on nobody collects the layers; once the record is there, it says that they are used. */
  using _held = await holdLayers(context, completed.image.name, completed.image.layers)
  const lock = await lockContainer(context, id)
  const undo: (() => unknown)[] = [() => lock.release({ unlink: true })]
  try {
    const name = await takeName(context, spec, id, undo)
    const { mounts, anonymousVolumes, release } = await prepareVolumes(context, completed, undo)
    const record: ContainerRecord = {
      version: 1,
      id,
      name,
      created: context.clock().toISOString(),
      spec: { ...completed, mounts },
      anonymousVolumes,
      storageDriver: (await driverForContainer(context, completed)).name,
      ephemeral: options.ephemeral,
    }
    if (options.cidfile !== undefined) writeCidfile(options.cidfile, id, undo)
    saveRecord(context, record, { sync: !options.ephemeral })
    release()
    emitContainerEvent(context, record, 'create')
    return { record, warnings, lock }
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  }
}

async function complete(
  context: Context,
  spec: ContainerSpec,
  options: PrepareOptions,
): Promise<{ completed: CompleteSpec; warnings: string[]; id: string }> {
  const id = context.newId()
  const conf = await context.conf()
  const { image, config } = await containerImage(context, spec, conf)
  const whole = await withMountsOfOthers(context, await withCdi(context, spec))
  const resolved = resolveDonors(
    context,
    completeSpec(whole, {
      id,
      image,
      imageConfig: config,
      conf,
      env: context.env,
      hostHostname: hostname(),
      caller: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
      ...(options.cidfile === undefined ? {} : { cidfile: options.cidfile }),
    }),
  )
  const warnings = validateSpec(resolved)
  if (resolved.subuidName !== undefined || resolved.subgidName !== undefined) {
    const { requireOwnRanges } = await import('../../../rootless/foreign-ranges.js')
    requireOwnRanges({ subuid: resolved.subuidName, subgid: resolved.subgidName })
  }
  return { completed: await withPorts(resolved), warnings, id }
}

async function withCdi(context: Context, spec: ContainerSpec): Promise<ContainerSpec> {
  if (spec.cdiDevices === undefined || spec.cdiDevices.length === 0) return spec
  const { withCdiDevices } = await import('./cdi.js')
  return withCdiDevices(context, spec)
}

async function withMountsOfOthers(context: Context, spec: ContainerSpec): Promise<ContainerSpec> {
  if (spec.volumesFrom === undefined || spec.volumesFrom.length === 0) return spec
  const { mountsFrom } = await import('./volumes-from.js')
  return mountsFrom(context, spec)
}

async function withPorts(spec: CompleteSpec): Promise<CompleteSpec> {
  if (withoutPorts(spec.network)) return { ...spec, publish: [], publishAll: false }
  if (spec.publish.length === 0 && !spec.publishAll) return spec
  const { assignPorts } = await import('./ports.js')
  return assignPorts(spec)
}

async function prepareVolumes(
  context: Context,
  spec: CompleteSpec,
  undo: (() => unknown)[],
): Promise<
  Pick<CompleteSpec, 'mounts'> & Pick<ContainerRecord, 'anonymousVolumes'> & { readonly release: () => void }
> {
  if (!spec.mounts.some((mount) => mount.type === 'volume')) {
    return { mounts: spec.mounts, anonymousVolumes: [], release: () => {} }
  }
  const { ensureContainerVolumes } = await import('./container-volumes.js')
  return ensureContainerVolumes(context, spec, undo)
}

async function takeName(context: Context, spec: ContainerSpec, id: string, undo: (() => unknown)[]): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const name = spec.name ?? generateName(context.paths)
    const taken = claimName(context, name, id)
    if (!taken) {
      undo.push(() => removeFile(`${context.paths.names}/${name}`))
      return name
    }
    if (spec.name === undefined && attempt < 20) continue
    if (spec.replace !== true || attempt > 0) throw nameInUse(name, taken.takenBy)
    const { removeContainer } = await import('./remove.js')
    const old = findContainer(context, name)
    context.log('debug', `replacing container ${old.id}`)
    await removeContainer(context, old.id, { force: true })
  }
}

function nameInUse(name: string, holder: string): TspodError {
  return new TspodError(
    'name-in-use',
    `creating container storage: the container name "${name}" is already in use by ${holder}. You have to remove that ` +
      'container to be able to reuse that name: that name is already in use, or use --replace to instruct tspod to do so.',
  )
}

function requireNoCidfile(path: string): void {
  if (!exists(path)) return
  throw new TspodError(
    'invalid-argument',
    `container id file exists. Ensure another container is not using it or delete ${path}`,
  )
}

function writeCidfile(path: string, id: string, undo: (() => unknown)[]): void {
  try {
    writeFile(path, id, { mode: 0o644 })
  } catch (error) {
    throw new TspodError('io', `writing the container's ID to ${path} in ${dirname(path)}`, { cause: error })
  }
  undo.push(() => removeFile(path))
}
