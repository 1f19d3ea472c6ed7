import { mkdirSync, realpathSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import type { KeyPart } from '../../build/cache-key.js'
import type { OpenAgents } from '../../build/context/index.js'
import type { BuildVolume } from './options.js'
import type { MountOwner, RunMount, RunStep } from '../../build/dockerfile/index.js'
import { TspodError } from '../../base/errors.js'
import type { ResolvedMount } from '../../container/oci-config/mounts.js'
import { giveToContainersRoot } from '../../../rootless/root-caller.js'
import { writeFile } from '../../state/file.js'
import { copyTree, type CopyDestination, type CopyFrom, type CopySelection } from '../../storage/copy-tree.js'
import { rootMountpoint } from '../containers/launch.js'
import { removeTree } from '../containers/trees.js'
import { cacheContent, makeOwnFolder, openCacheMount } from './cache-mount.js'
import { contentOfPath } from './copy-files.js'
import { withSource } from './root.js'
import type { Session } from './session.js'
import type { Source } from './sources.js'
import { makeMountpoints, ownMountpoints, type StepPlace } from './workspace.js'

type Mount<T extends RunMount['type']> = Extract<RunMount, { type: T }>
type SourceOf = (from: string | undefined) => Promise<Source>

/** What a RUN step has mounted, for as long as it runs. */
export interface OpenMounts {
  readonly mounts: readonly ResolvedMount[]
  /** Secrets, and where the agent is. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Makes the mounts of RUN steps: files of other places, caches, secrets, agents. */
export class Mounts {
  readonly #session: Session
  readonly #secrets: ReadonlyMap<string, Buffer>
  readonly #agents: OpenAgents

  constructor(session: Session, secrets: ReadonlyMap<string, Buffer>, agents: OpenAgents) {
    this.#session = session
    this.#secrets = secrets
    this.#agents = agents
  }

  /** What a step's result depends on: the content of what is bound, but never a secret's or a cache's. */
  async keyParts(step: RunStep, sourceOf: SourceOf): Promise<KeyPart> {
    const mounts = await Promise.all(
      step.mounts.map(async (mount): Promise<KeyPart> => {
        const plain = { ...mount, owner: 'owner' in mount ? { ...mount.owner } : undefined }
        /* A stage that a new cache begins with is built before this step has its turn. */
        if (mount.type === 'cache' && mount.from !== undefined) await sourceOf(mount.from)
        if (mount.type !== 'bind') return plain
        return { ...plain, content: await contentOfPath(this.#session, await sourceOf(mount.from), mount.source) }
      }),
    )
    const { volumes = [] } = this.#session.options
    return [...mounts, ...volumes.map(({ source, target }) => ['volume', source, target])]
  }

  /** `more`: what else is bound in this step. */
  async open(
    step: RunStep,
    place: StepPlace,
    sourceOf: SourceOf,
    more: readonly BuildVolume[] = [],
  ): Promise<OpenMounts> {
    const bound = more.map((mount): ResolvedMount => ({ type: 'bind', ...mount }))
    const opened: Opened = {
      mounts: [...this.#volumes(place), ...bound],
      env: {},
      closers: [],
      place,
      count: 0,
      agents: 0,
    }
    const close = async (): Promise<void> => {
      for (const closer of opened.closers.splice(0).toReversed()) await closer()
    }
    try {
      if (step.script !== undefined) opened.mounts.push(this.#script(opened, step.script))
      for (const mount of step.mounts) await this.#open(opened, mount, sourceOf)
      return { mounts: opened.mounts, env: opened.env, close }
    } catch (error) {
      await close()
      throw error
    }
  }

  async #open(opened: Opened, mount: RunMount, sourceOf: SourceOf): Promise<void> {
    switch (mount.type) {
      case 'bind':
        opened.mounts.push(await this.#bind(opened, mount, await sourceOf(mount.from)))
        return
      case 'cache':
        opened.mounts.push(await this.#cache(opened, mount, sourceOf))
        return
      case 'tmpfs':
        opened.mounts.push(tmpfs(mount))
        return
      case 'secret':
        await this.#secret(opened, mount)
        return
      case 'ssh':
        this.#ssh(opened, mount)
    }
  }

  /** `--volume`: folders of the host, in every step. */
  #volumes(place: StepPlace): ResolvedMount[] {
    return (this.#session.options.volumes ?? []).map(({ source, target, options }, number) => {
      if (statSync(source, { throwIfNoEntry: false }) === undefined)
        throw new TspodError('invalid-argument', `statfs ${source}: no such file or directory`)
      if (!options.includes('O')) return { type: 'bind', source, target, options }
      return overlay(place, `volume-${String(number)}`, target, [source])
    })
  }

  #script(opened: Opened, { path, content }: NonNullable<RunStep['script']>): ResolvedMount {
    const source = join(aside(opened), basename(path))
    writeFile(source, content, { mode: 0o755 })
    giveToContainersRoot(source)
    return { type: 'bind', source, target: path, options: ['ro'] }
  }

  async #bind(opened: Opened, mount: Mount<'bind'>, source: Source): Promise<ResolvedMount> {
    const { target, readOnly } = mount
    const lower = await this.#bound(opened, mount.source, source)
    const [only] = lower
    if (only === undefined) throw new TspodError('internal', 'nothing to bind')
    if (readOnly && lower.length === 1) return { type: 'bind', source: only, target, options: ['ro'] }
    if (readOnly) return { type: 'overlay', target, lower }
    if (lower.length === 1 && !isFolder(only)) {
      /* What is written goes with the step: it has a copy. */
      const folder = aside(opened)
      await this.#copy({ folder: dirname(only) }, [basename(only)], folder, { path: '/' })
      return { type: 'bind', source: join(folder, basename(only)), target, options: ['rw'] }
    }
    return overlay(opened.place, `bind-${String(opened.count++)}`, target, lower)
  }

  /** The folders, topmost first, or the file, that stand for a path of a source. */
  async #bound(opened: Opened, path: string, source: Source): Promise<string[]> {
    if (source.kind === 'folder' && source.ignore.length === 0) return [beneath(source.folder, path)]
    if (source.kind === 'root' && path === '/' && this.#session.driver.name !== 'copy') {
      const layers = await Promise.all(source.root.layers.map((layer) => layer.files()))
      return layers.length === 0 ? [this.#session.workspace.empty] : [...new Set(layers.toReversed())]
    }
    /* Part of a root, or what an ignore file leaves of a folder. */
    const folder = aside(opened)
    const [parent, name] = [join(folder, 'of'), path === '/' ? 'root' : basename(path)]
    mkdirSync(parent, { mode: 0o755 })
    giveToContainersRoot(parent)
    await this.#copyFrom(source, { sources: [path] }, parent, name)
    return [join(parent, name)]
  }

  async #cache(opened: Opened, mount: Mount<'cache'>, sourceOf: SourceOf): Promise<ResolvedMount> {
    const { id, sharing, target, readOnly, from, source, owner } = mount
    const { context } = this.#session
    const cache = await openCacheMount(
      context.paths,
      { id, sharing, now: context.clock().toISOString() },
      async (parent, name) => {
        const half = join(parent, `half-${context.newId().slice(0, 8)}`)
        /* Containers' root makes what is in it, whosever that is to be. */
        makeOwnFolder(half, { mode: 0o755 })
        const content = from === undefined ? undefined : { source, from: await sourceOf(from) }
        try {
          await this.#makeCache(join(half, cacheContent), owner, content)
        } catch (error) {
          await removeTree(context, half)
          throw error
        }
        renameSync(half, join(parent, name))
      },
    )
    opened.closers.push(() => {
      cache.close()
      return Promise.resolve()
    })
    return { type: 'bind', source: cache.folder, target, options: [readOnly ? 'ro' : 'rw'] }
  }

  async #makeCache(
    folder: string,
    owner: MountOwner,
    content: { readonly source: string; readonly from: Source } | undefined,
  ): Promise<void> {
    if (content === undefined && owner.uid === 0 && owner.gid === 0) {
      makeOwnFolder(folder, owner)
      return
    }
    const parent = dirname(folder)
    const { workspace } = this.#session
    const path = `/${basename(folder)}/`
    const how = { owner: { uid: owner.uid, gid: owner.gid }, mode: owner.mode.toString(8) }
    await this.#copy({ folder: workspace.empty }, ['.'], parent, { path, ...how })
    if (content === undefined) return
    await this.#copyFrom(content.from, { sources: [content.source] }, parent, `${basename(folder)}/`)
  }

  async #secret(opened: Opened, { id, target, env, required, owner }: Mount<'secret'>): Promise<void> {
    const value = this.#secrets.get(id)
    if (value === undefined) {
      if (required)
        throw new TspodError('invalid-argument', `secret "${id}" is required, and was not given: --secret id=${id}`)
      return
    }
    if (env !== undefined) opened.env[env] = value.toString('utf8')
    if (target === undefined) return
    /* In the run folder: it is memory, and goes with the session at the latest. */
    const folder = this.#session.workspace.runFolder()
    mkdirSync(folder, { mode: 0o711 })
    giveToContainersRoot(folder)
    opened.closers.push(() => removeTree(this.#session.context, folder).catch(() => undefined))
    const source = join(folder, 'value')
    writeFile(source, value, { mode: owner.uid === 0 && owner.gid === 0 ? owner.mode : 0o600 })
    giveToContainersRoot(source)
    if (owner.uid !== 0 || owner.gid !== 0) {
      const { uid, gid, mode } = owner
      const to: CopyDestination = { path: '/owned', owner: { uid, gid }, mode: mode.toString(8) }
      await this.#copy({ folder }, ['value'], folder, to)
      opened.mounts.push({ type: 'bind', source: join(folder, 'owned'), target, options: ['ro'] })
      return
    }
    opened.mounts.push({ type: 'bind', source, target, options: ['ro'] })
  }

  #ssh(opened: Opened, { id, target, required, owner }: Mount<'ssh'>): void {
    const socket = this.#agents.sockets.get(id)
    if (socket === undefined) {
      if (required)
        throw new TspodError('invalid-argument', `ssh agent "${id}" is required, and was not given: --ssh ${id}`)
      return
    }
    if (owner.uid !== 0)
      throw new TspodError('not-supported', `--mount=type=ssh,uid=${String(owner.uid)}: an agent's socket is root's`)
    const at = target ?? `/run/buildkit/ssh_agent.${String(opened.agents++)}`
    opened.mounts.push({ type: 'bind', source: socket, target: at, options: [] })
    opened.env['SSH_AUTH_SOCK'] = at
  }

  #copyFrom(source: Source, selection: CopySelection, parent: string, name: string): Promise<void> {
    const to = { path: `/${name}` }
    if (source.kind === 'folder')
      return this.#copy({ folder: source.folder, ignore: source.ignore }, selection.sources, parent, to)
    return withSource(this.#session, source.root, (root) => this.#copy({ root }, selection.sources, parent, to))
  }

  async #copy(from: CopyFrom, sources: readonly string[], parent: string, to: CopyDestination): Promise<void> {
    const { context, plan, signal } = this.#session
    const root = { rootfs: { driver: 'dir' as const, path: parent, mountpoint: rootMountpoint(context) } }
    await copyTree(root, from, { sources }, to, { plan, signal })
  }
}

/**
 * An overlay's lowest folder, with what the mounts are made on: so a step's own layer gets nothing of it. What is behind
 * a link of the image is made there all the same.
 */
export function bottomFor(mounts: readonly ResolvedMount[], { aside: folder }: StepPlace): string {
  const targets = mounts
    .filter(({ target }) => !/^\/(?:dev|proc|sys)\//.test(target))
    .map((mount) => (mount.type === 'bind' && !isFolder(mount.source) ? mount.target : `${mount.target}/`))
  const bottom = join(folder, 'bottom')
  makeMountpoints(bottom, [...targets, ...ownMountpoints])
  return bottom
}

interface Opened {
  readonly mounts: ResolvedMount[]
  readonly env: Record<string, string>
  readonly closers: (() => Promise<void>)[]
  readonly place: StepPlace
  count: number
  agents: number
}

/** A new folder beside the step's. */
function aside(opened: Opened): string {
  const folder = join(opened.place.aside, `mount-${String(opened.count++)}`)
  mkdirSync(folder, { mode: 0o755 })
  giveToContainersRoot(folder)
  return folder
}

/** What is written to it is thrown away with the step. */
function overlay(place: StepPlace, name: string, target: string, lower: readonly string[]): ResolvedMount {
  const [upper, work] = ['upper', 'work'].map((kind) => join(place.aside, `${name}-${kind}`)) as [string, string]
  for (const folder of [upper, work]) {
    mkdirSync(folder, { mode: 0o755 })
    giveToContainersRoot(folder)
  }
  return { type: 'overlay', target, lower, upper, work }
}

function tmpfs({ target, readOnly, size, mode }: Mount<'tmpfs'>): ResolvedMount {
  const options = [
    ...(readOnly ? ['ro'] : []),
    ...(size === 0 ? [] : [`size=${String(size)}`]),
    ...(mode === undefined ? [] : [`mode=${mode.toString(8)}`]),
    'notmpcopyup',
  ]
  return { type: 'tmpfs', target, options }
}

/** A path of a folder with its links gone through; none leads out of it. */
function beneath(folder: string, path: string): string {
  const top = realpathSync(folder)
  let real: string
  try {
    real = realpathSync(join(top, path))
  } catch (error) {
    throw new TspodError('invalid-argument', `--mount: ${path} is not in the build context`, { cause: error })
  }
  if (real === top || real.startsWith(`${top}${sep}`)) return real
  throw new TspodError('invalid-argument', `--mount: ${path} leads out of the build context`)
}

function isFolder(path: string): boolean {
  return statSync(path).isDirectory()
}
