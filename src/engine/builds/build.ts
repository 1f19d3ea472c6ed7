import { digestHex } from '../../base/digest.js'
import { writeFileAtomic } from '../../state/file.js'
import type { Digest } from '../../oci/image-spec.js'
import { localName } from '../images/load.js'
import { bareId } from '../images/record.js'
import { withoutImage } from '../images/names.js'
import { emptyList, withManifests } from '../manifests/edit.js'
import { changeList, findList, saveList } from '../manifests/lists.js'
import type { LoadedImage } from '../../image/image.js'
import type { Context } from '../context.js'
import { imageOf, keepImage } from './image.js'
import type { BuildOptions, BuildResult, BuiltImage } from './options.js'
import { namesOfOutputs, needsImage, sendImage, wantsImage, writeFiles } from './outputs.js'
import { produce, type Produced, type Product } from './produce.js'
import { exportCaches } from './remote-cache.js'
import type { Session } from './session.js'

/**
 * Builds what the Dockerfiles say, for every platform, and brings the result where it is to go. `look` gets what was made
 * while it cannot be collected.
 */
export async function buildImage(
  context: Context,
  options: BuildOptions = {},
  look?: (produced: Produced) => Promise<void>,
): Promise<BuildResult> {
  /* A bad name is told before the work, not after it. */
  const names = [...new Set([...(options.tags ?? []).map(localName), ...namesOfOutputs(options)])]
  const list = options.manifest === undefined ? undefined : localName(options.manifest)
  return produce(context, options, async (produced) => {
    const result = await deliver(produced, names, list)
    await exportCaches(produced)
    await look?.(produced)
    writeResultFiles(options, result)
    return result
  })
}

interface Made {
  readonly image: LoadedImage
  readonly product: Product
}

async function deliver(produced: Produced, names: readonly string[], list: string | undefined): Promise<BuildResult> {
  const { session, products } = produced
  const { options } = session
  const outputs = options.outputs ?? []
  for (const output of outputs) await writeFiles({ ...produced }, output)
  if (!needsImage(options)) return resultOf(undefined, undefined, [], [], products)
  const known = new Set(session.store.entries().map(({ manifest }) => manifest))
  const isList = products.length > 1 || list !== undefined
  const made = await session.report.step('exporting to image', async () => {
    const images: Made[] = []
    for (const product of products) {
      const image = await imageOf(session, product)
      await keepImage(session, image, isList || !wantsImage(options) ? [] : names)
      images.push({ image, product })
    }
    return images
  })
  const [first] = made
  if (first === undefined) return resultOf(undefined, undefined, [], [], products)
  const top = isList ? await saveLists(session, made, names, list) : first.image.raw.digest
  const name = isList ? digestHex(top) : bareId(first.image.id)
  for (const output of outputs) await sendImage(session, output, name, names)
  if (!wantsImage(options)) {
    await forget(session, made, known)
    return resultOf(undefined, top, [], made, products)
  }
  return resultOf(name, top, list === undefined ? names : [list, ...names], made, products)
}

/** One list of all the images, under each of the names; `--manifest` adds to the one that is there. */
async function saveLists(
  { context, store }: Session,
  made: readonly Made[],
  names: readonly string[],
  list: string | undefined,
): Promise<Digest> {
  const descriptors = made.map(({ image: { raw }, product: { platform } }) => ({
    mediaType: raw.mediaType,
    digest: raw.digest,
    size: raw.bytes.length,
    platform,
  }))
  const whole = withManifests(emptyList, descriptors)
  let top: Digest | undefined
  if (list !== undefined) {
    const there = await findList(context, store, list)
    top =
      there === undefined
        ? await saveList(store, whole, list)
        : await changeList(context, store, list, (document) => withManifests(document, descriptors))
  }
  for (const name of names) top = await saveList(store, whole, name)
  return top ?? (await saveList(store, whole, localName(`build-${context.newId().slice(0, 12)}`)))
}

/** The store had the image only for as long as it took to send it away. */
async function forget({ store }: Session, made: readonly Made[], known: ReadonlySet<Digest>): Promise<void> {
  const gone = made.filter(({ image }) => !known.has(image.raw.digest))
  if (gone.length === 0) return
  await store.update((entries) => ({
    entries: gone.reduce((left, { image }) => withoutImage(left, image.id), entries),
    result: undefined,
  }))
}

function resultOf(
  id: string | undefined,
  digest: Digest | undefined,
  names: readonly string[],
  made: readonly Made[],
  products: readonly Product[],
): BuildResult {
  const images = made.map(({ image, product }): BuiltImage => ({
    platform: product.platform,
    id: bareId(image.id),
    digest: image.raw.digest,
    steps: product.steps,
  }))
  const [first] = made
  const metadata =
    digest === undefined || first === undefined
      ? {}
      : {
          'containerimage.digest': digest,
          ...(products.length > 1 ? {} : { 'containerimage.config.digest': first.image.id }),
          'containerimage.descriptor': {
            mediaType: first.image.raw.mediaType,
            digest,
            size: first.image.raw.bytes.length,
          },
          ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
        }
  return { id, digest, names, images, metadata }
}

function writeResultFiles({ iidFile, metadataFile }: BuildOptions, { id, metadata }: BuildResult): void {
  if (iidFile !== undefined && id !== undefined) writeFileAtomic(iidFile, `sha256:${id}`, { mode: 0o644 })
  if (metadataFile !== undefined)
    writeFileAtomic(metadataFile, `${JSON.stringify(metadata, undefined, 2)}\n`, { mode: 0o644 })
}
