import { TspodError } from '../../base/errors.js'
import { completePlatform, formatPlatform } from '../../image/platform.js'
import type { Digest, ImageHistory, ImageRunConfig, Platform } from '../../oci/image-spec.js'
import { digestOfEntry } from '../../storage/image-index.js'
import { findImage } from '../images/lookup.js'
import { imageNotKnown, recordOfEntry } from '../images/record.js'
import { resolveImage } from '../images/resolve.js'
import type { PullOptions } from '../images/types.js'
import { knownRoot, type Root } from './root.js'
import type { Session } from './session.js'
import { storedLayer } from './stored-layer.js'

/** An image that stages begin with, or that is copied from. */
export interface BaseImage {
  readonly name: string
  readonly digest: Digest
  readonly platform: Platform
  readonly config: ImageRunConfig
  readonly author: string | undefined
  readonly created: string
  readonly history: readonly ImageHistory[]
  readonly root: Root
}

/** Finds the images of one build, each once, fetching them if the pull policy says so. */
export class BaseImages {
  readonly #session: Session
  readonly #found = new Map<string, Promise<BaseImage>>()

  constructor(session: Session) {
    this.#session = session
  }

  get(name: string, platform: Platform): Promise<BaseImage> {
    const key = `${formatPlatform(platform)} ${name}`
    const known = this.#found.get(key)
    if (known !== undefined) return known
    const found = this.#session.report.step(`[internal] load metadata for ${name}`, (step) =>
      findBase(this.#session, name, platform, (id, current, total) => step.progress(id, current, total)),
    )
    this.#found.set(key, found)
    /* Whoever asks for it hears of it. */
    found.catch(() => undefined)
    return found
  }

  /** Those that were found. */
  async all(): Promise<BaseImage[]> {
    const settled = await Promise.allSettled(this.#found.values())
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }
}

async function findBase(
  session: Session,
  name: string,
  platform: Platform,
  progress: (id: string, current: number, total?: number) => void,
): Promise<BaseImage> {
  const { options, store, signal } = session
  const context = {
    ...session.context,
    onProgress: ({ id, current = 0, total }: { id: string; current?: number; total?: number }) => {
      if (id !== '') progress(id, current, total)
    },
  }
  const isHosts = formatPlatform(platform) === formatPlatform(completePlatform())
  const found = await resolveImage(context, name, {
    ...accessOf(options),
    signal,
    ...(options.pull === undefined ? {} : { pull: options.pull }),
    /* An image of the host's own, whatever it says of itself, as `run` takes it. */
    ...(isHosts ? {} : { platform }),
  })
  const entry = (await findImage(context, store.entries(), found.id))?.entry
  if (entry === undefined) throw imageNotKnown(name)
  const record = await recordOfEntry(context, store, entry)
  const layers = record.diffIds.map((diffId, number) => {
    const blob = record.layers[number]
    if (blob === undefined) throw new TspodError('image-invalid', `${name} has fewer layers than it says`)
    return storedLayer(session, { diffId, blob, entries: -1, uncompressedSize: -1 })
  })
  return {
    name: found.name,
    digest: digestOfEntry(entry),
    platform: {
      architecture: record.architecture === '' ? platform.architecture : record.architecture,
      os: record.os === '' ? platform.os : record.os,
      ...(record.variant === undefined ? {} : { variant: record.variant }),
    },
    config: record.config,
    author: record.author === '' ? undefined : record.author,
    created: record.created,
    history: record.history,
    root: knownRoot(layers, record.diffIds),
  }
}

/** How registries are spoken to. */
export function accessOf(options: PullOptions): PullOptions {
  const { authfile, creds, certDir, tlsVerify, retries, retryDelaySeconds } = options
  return Object.fromEntries(
    Object.entries({ authfile, creds, certDir, tlsVerify, retries, retryDelaySeconds }).filter(
      ([, value]) => value !== undefined,
    ),
  )
}
