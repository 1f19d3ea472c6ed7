import { TspodError } from '../../base/errors.js'
import type { Digest } from '../../oci/image-spec.js'
import { loadFrom } from '../../image/copy.js'
import type { ImageSource } from '../../image/image.js'
import { completePlatform, formatPlatform, platformRank } from '../../image/platform.js'
import {
  formatReference,
  parseFamiliar,
  parseReference,
  repositoryOf,
  withDefaultTag,
  withoutTagIfDigested,
  type Reference,
} from '../../image/reference.js'
import { RegistrySource, type RegistryOptions } from '../../image/registry/source.js'
import { digestOfEntry } from '../../storage/image-index.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { emitImageEvent } from '../events/write.js'
import { registryOptions } from './access.js'
import { withLease } from './collect.js'
import { findLocal } from './find-local.js'
import { renewSignatures } from './kept-signatures.js'
import { layersArePresent } from './layers.js'
import { byName } from './lookup.js'
import { bareId, recordOf } from './record.js'
import { pullCandidates } from './short-names.js'
import { storeImage } from './store-image.js'
import { parseTransport } from './transports.js'
import { requireTrusted } from './trust.js'
import type { PulledImage, PullOptions } from './types.js'

/** As `fetchImage`, and tells of it, also when it fails. */
export async function pullImage(context: Context, text: string, options: PullOptions = {}): Promise<PulledImage[]> {
  try {
    const pulled = await fetchImage(context, text, options)
    for (const { id, name = text } of pulled) emitImageEvent(context, 'pull', { ID: id, Name: name })
    return pulled
  } catch (error) {
    emitImageEvent(context, 'pull-error', { Name: text, Error: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

/** Fetches an image by name, or every tag of a repository, or what an archive or a folder holds. */
async function fetchImage(context: Context, text: string, options: PullOptions): Promise<PulledImage[]> {
  const transport = parseTransport(text)
  if (transport !== undefined && transport.name !== 'docker') {
    const { pullArchive } = await import('./load.js')
    return pullArchive(context, transport, options)
  }
  const name = transport?.path ?? text
  const local = await localFirst(context, name, options)
  if (local !== undefined) return [local]
  const access = registryOptions(context, options)
  const { references, chosenFor } = await candidatesOf(context, name, access, options)
  const pulled =
    options.allTags === true
      ? await pullAllTags(context, references, access, options)
      : [await pullFirst(context, references, access, options)]
  const [chosen] = references
  if (chosenFor !== undefined && chosen !== undefined) {
    const { saveAlias } = await import('./saved-aliases.js')
    await saveAlias(context.env, chosenFor, repositoryOf(chosen))
  }
  return pulled
}

/** Tries each place in turn; one that fails is told only if none succeeds. */
async function pullFirst(
  context: Context,
  candidates: readonly Reference[],
  access: RegistryOptions,
  options: PullOptions,
): Promise<PulledImage> {
  const failures: unknown[] = []
  for (const reference of candidates) {
    try {
      return await withLease(context, () => pullOne(context, reference, access, options))
    } catch (error) {
      options.signal?.throwIfAborted()
      failures.push(error)
    }
  }
  const kept = options.policy === 'newer' ? await localImage(context, candidates) : undefined
  if (kept !== undefined) return kept
  if (failures.length === 1) throw failures[0]
  const lines = failures.map((error) => `\n * ${error instanceof Error ? error.message : String(error)}`)
  throw new TspodError(
    'image-pull-failed',
    `${String(failures.length)} errors occurred while pulling:${lines.join('')}`,
    {
      cause: failures[0],
    },
  )
}

async function pullOne(
  context: Context,
  asked: Reference,
  access: RegistryOptions,
  options: PullOptions,
): Promise<PulledImage> {
  const reference = withoutTagIfDigested(withDefaultTag(asked))
  const name = formatReference(reference)
  const check = requireTrusted(context, 'docker', name, { reference, signaturePolicy: options.signaturePolicy })
  const source = new RegistrySource(reference, access)
  const store = new ImageStore(context.paths)
  context.onProgress?.({ id: '', action: `Trying to pull ${name}...`, done: true })
  try {
    const top = await source.manifest(undefined, options.signal)
    /* Whether it is signed is asked again each time: what is here may have come under another policy. */
    const present =
      check === undefined ? await presentImage(context, store, source, name, top.digest, options) : undefined
    if (present !== undefined) return present
    const platform = completePlatform(options.platform)
    const image = await loadFrom(source, top, platform, options.signal, check)
    if (platformRank(platform, image.config) === undefined && image.config.architecture !== '') {
      context.log(
        'warn',
        `image platform (${formatPlatform(image.config)}) does not match the expected platform (${formatPlatform(platform)})`,
      )
    }
    await storeImage(context, source, image, { names: [name], signal: options.signal })
    return { id: bareId(image.id), name, digest: image.raw.digest }
  } finally {
    await source.close()
  }
}

/** The registry's image is the one that is here already, whole and for the platform that was asked for. */
async function presentImage(
  context: Context,
  store: ImageStore,
  source: ImageSource,
  name: string,
  digest: Digest,
  options: PullOptions,
): Promise<PulledImage | undefined> {
  const entry = store
    .entries()
    .find((one) => one.name === name && (one.manifest === digest || one.digests.includes(digest)))
  if (entry?.id === undefined) return undefined
  const record = await recordOf(context, store, entry.manifest)
  if (platformRank(completePlatform(options.platform), record) === undefined) return undefined
  const complete = record.layers.every((layer) => store.hasBlob(layer.digest, layer.size)) && store.hasBlob(record.id)
  if (!complete || !layersArePresent(context, record.diffIds)) return undefined
  await renewSignatures(store, source, entry, digestOfEntry(entry), options.signal)
  return { id: bareId(entry.id), name, digest }
}

async function pullAllTags(
  context: Context,
  candidates: readonly Reference[],
  access: RegistryOptions,
  options: PullOptions,
): Promise<PulledImage[]> {
  const [reference] = candidates
  if (reference === undefined) return []
  const { listTags } = await import('../../image/registry/tags.js')
  const tags = await listTags(reference, access, options.signal)
  const pulled: PulledImage[] = []
  for (const tag of tags) {
    const tagged = { domain: reference.domain, path: reference.path, tag }
    pulled.push(await withLease(context, () => pullOne(context, tagged, access, options)))
  }
  return pulled
}

async function localFirst(context: Context, name: string, options: PullOptions): Promise<PulledImage | undefined> {
  const policy = options.policy ?? 'always'
  if (policy !== 'missing' && policy !== 'never') return undefined
  const found = await findLocal(context, name, options.platform)
  if (found !== undefined) return { id: found.id, name: found.name, digest: found.digest }
  if (policy === 'never') throw new TspodError('no-such-image', `${name}: image not known`)
  return undefined
}

interface Candidates {
  readonly references: readonly Reference[]
  /** The short name that a person was asked about. */
  readonly chosenFor?: string
}

async function candidatesOf(
  context: Context,
  text: string,
  access: RegistryOptions,
  options: PullOptions,
): Promise<Candidates> {
  const familiar = parseFamiliar(text)
  if (familiar.domain !== '') return { references: [parseReference(text)] }
  const { references, explanation, mustChoose } = pullCandidates(access.config, familiar)
  if (explanation !== undefined) context.onProgress?.({ id: '', action: explanation, done: true })
  if (!mustChoose) return { references }
  if (options.chooseRegistry !== undefined) {
    const chosen = parseReference(await options.chooseRegistry(references.map(formatReference)))
    return { references: [chosen], chosenFor: familiar.path }
  }
  if (access.config.shortNameMode === 'enforcing') {
    throw new TspodError(
      'image-pull-failed',
      `short-name resolution enforced but cannot prompt without a TTY: ${text} may be on any of ${references.map((one) => one.domain).join(', ')}`,
    )
  }
  return { references }
}

async function localImage(context: Context, candidates: readonly Reference[]): Promise<PulledImage | undefined> {
  const entries: readonly IndexEntry[] = new ImageStore(context.paths).entries()
  for (const reference of candidates) {
    const found = byName(entries, reference)
    if (found?.entry.id !== undefined) {
      return {
        id: bareId(found.entry.id),
        ...(found.name === undefined ? {} : { name: found.name }),
        digest: found.entry.manifest,
      }
    }
  }
  return undefined
}
