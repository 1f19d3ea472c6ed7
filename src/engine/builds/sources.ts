import { join } from 'node:path'
import { hexDigestOf } from '../../base/digest.js'
import { TspodError } from '../../base/errors.js'
import { classifyNamedContext, openContext, type ContextTools } from '../../build/context/index.js'
import type { Origin } from '../../build/dockerfile/index.js'
import type { Platform } from '../../oci/image-spec.js'
import { ensureFolder } from '../../state/file.js'
import type { BaseImage, BaseImages } from './base-image.js'
import { readIgnoreFile } from './ignore-file.js'
import type { BuildInput } from './input.js'
import { scratch, type Root } from './root.js'
import type { Session } from './session.js'

/** Where files are taken from. */
export type Source =
  | { readonly kind: 'root'; readonly root: Root; readonly image?: BaseImage }
  | {
      readonly kind: 'folder'
      readonly folder: string
      readonly ignore: readonly string[]
      /** Where the digests of its files are remembered; not of a folder that goes with the build. */
      readonly cacheFile: string | undefined
    }

/** What can be copied from in one build, each opened once: the context, named contexts, images. */
export class Sources {
  readonly #session: Session
  readonly #input: BuildInput
  readonly #images: BaseImages
  readonly #tools: ContextTools
  readonly #named = new Map<string, Promise<Source>>()
  /** The build's context. */
  readonly context: Extract<Source, { kind: 'folder' }> | undefined
  readonly #closers: (() => Promise<void>)[] = []

  constructor(session: Session, input: BuildInput, images: BaseImages, tools: ContextTools) {
    this.#session = session
    this.#input = input
    this.#images = images
    this.#tools = tools
    const { folder, ignore } = input
    this.context =
      folder === undefined ? undefined : { kind: 'folder', folder, ignore, cacheFile: this.#cacheFile(folder) }
  }

  /** The value of the named context that stands for a name of the Dockerfile, as `planStages` asks. */
  readonly contextName = (name: string): string | undefined => {
    const { contexts = {} } = this.#session.options
    const wanted = familiar(name)
    return Object.keys(contexts).find((one) => one === name || familiar(one) === wanted)
  }

  /** Undefined origin: the build's context. `stageRoot` builds another stage. */
  async get(
    origin: Origin | undefined,
    platform: Platform,
    stageRoot: (index: number) => Promise<Root>,
  ): Promise<Source> {
    if (origin === undefined) {
      if (this.context === undefined)
        throw new TspodError('invalid-argument', 'there is no build context to take files from')
      return this.context
    }
    switch (origin.type) {
      case 'scratch':
        return { kind: 'root', root: scratch }
      case 'stage':
        return { kind: 'root', root: await stageRoot(origin.index) }
      case 'image': {
        const image = await this.#images.get(origin.reference, platform)
        return { kind: 'root', root: image.root, image }
      }
      case 'context':
        return this.#namedContext(origin.name, platform, stageRoot)
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) await close()
  }

  #namedContext(name: string, platform: Platform, stageRoot: (index: number) => Promise<Root>): Promise<Source> {
    const key = `${platform.os}/${platform.architecture}/${platform.variant ?? ''} ${name}`
    const known = this.#named.get(key)
    if (known !== undefined) return known
    const opened = this.#openNamed(name, platform, stageRoot)
    this.#named.set(key, opened)
    opened.catch(() => undefined)
    return opened
  }

  async #openNamed(name: string, platform: Platform, stageRoot: (index: number) => Promise<Root>): Promise<Source> {
    const { options, signal } = this.#session
    const reference = classifyNamedContext(options.contexts?.[name] ?? '', process.cwd())
    switch (reference.kind) {
      case 'image': {
        const image = await this.#images.get(reference.reference, platform)
        return { kind: 'root', root: image.root, image }
      }
      case 'oci-layout': {
        const at =
          reference.digest === undefined
            ? reference.tag === undefined
              ? ''
              : `:${reference.tag}`
            : `:@${reference.digest}`
        const image = await this.#images.get(`oci:${reference.path}${at}`, platform)
        return { kind: 'root', root: image.root, image }
      }
      case 'stage': {
        const stage = this.#input.file.stages.findLast((one) => one.name === reference.name)
        if (stage === undefined)
          throw new TspodError('invalid-argument', `build context ${name}: there is no stage "${reference.name}"`)
        return { kind: 'root', root: await stageRoot(stage.index) }
      }
      default: {
        const context = await openContext(reference, { signal }, this.#tools)
        this.#closers.push(() => context.close())
        const { folder } = context
        if (folder === undefined) throw new TspodError('invalid-argument', `build context ${name} is no folder`)
        return {
          kind: 'folder',
          folder,
          ignore: readIgnoreFile(folder, undefined, undefined),
          cacheFile: this.#cacheFile(folder),
        }
      }
    }
  }

  #cacheFile(folder: string): string | undefined {
    if (folder.startsWith(`${this.#session.context.paths.tmp}/`)) return undefined
    const files = join(this.#session.context.paths.cache, 'build', 'digests')
    ensureFolder(files)
    return join(files, hexDigestOf(folder).slice(0, 32))
  }
}

/** `docker.io/library/alpine:latest` and `alpine` are one name. */
function familiar(name: string): string {
  return name
    .toLowerCase()
    .replace(/^docker\.io\//, '')
    .replace(/^library\//, '')
    .replace(/:latest$/, '')
}
