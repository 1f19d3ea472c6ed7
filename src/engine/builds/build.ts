import { digestHex } from '../../base/digest.js'
import { writeFileAtomic } from '../../state/file.js'
import { mediaTypes, type Descriptor, type Digest } from '../../oci/image-spec.js'
import { localName } from '../images/local-name.js'
import { bareId } from '../images/record.js'
import { emptyList, withManifests } from '../manifests/edit.js'
import { changeList, findList, saveList } from '../manifests/lists.js'
import type { LoadedImage } from '../../image/image.js'
import type { Context } from '../context.js'
import { emitImageEvent } from '../events/write.js'
import { imageOf, keepImage } from './image.js'
import type { BuildOptions, BuildResult, BuiltImage } from './options.js'
import { namesOfOutputs, needsImage, sendImage, wantsAttestations, wantsImage, writeFiles } from './outputs.js'
import { produce, type Produced, type Product } from './produce.js'
import type { Session } from './session.js'
import { tellWarnings } from './warnings.js'

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
    tellWarnings(produced)
    const result = await deliver(produced, names, list)
    if ((options.cacheTo ?? []).length > 0) {
      const { exportCaches } = await import('./cache-export.js')
      await exportCaches(produced)
    }
    await look?.(produced)
    writeResultFiles(options, result)
    /* Podman has the ID in the name. */
    if (result.id !== undefined) emitImageEvent(context, 'build', { ID: result.id, Name: result.id })
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
  for (const output of outputs) await writeFiles(produced, output)
  if (!needsImage(options)) return resultOf(undefined, undefined, [], [], products)
  const known = new Set(session.store.entries().map(({ manifest }) => manifest))
  const isList = products.length > 1 || list !== undefined || wantsAttestations(options)
  const kept = wantsImage(options) ? names : []
  const made = await session.report.step('exporting to image', async () => {
    const images: Made[] = []
    for (const product of products) {
      const image = await imageOf(session, product, produced.stepper.records)
      await keepImage(session, image, isList ? [] : kept)
      images.push({ image, product })
    }
    return images
  })
  const [first] = made
  if (first === undefined) return resultOf(undefined, undefined, [], [], products)
  const top = isList ? await saveLists(produced, made, kept, list) : descriptorOf(first)
  const name = isList ? digestHex(top.digest) : bareId(first.image.id)
  /* Docker's archives have no room for what is said of an image. */
  const alone = products.length === 1 ? bareId(first.image.id) : name
  for (const output of outputs) {
    if (output.type === 'oci' && isList) {
      const { writeListLayout } = await import('./list-layout.js')
      await writeListLayout(session, output, top, names)
    } else await sendImage(session, output, output.type === 'docker' ? alone : name, names)
  }
  if (!wantsImage(options)) {
    await forget(session, [top.digest, ...made.map(({ image }) => image.raw.digest)], known)
    return resultOf(undefined, top, [], made, products)
  }
  return resultOf(name, top, list === undefined ? names : [list, ...names], made, products)
}

/**
 * One list of all the images and of what is said of them, under each of the names; `--manifest` adds to the one that is
 * there.
 */
async function saveLists(
  produced: Produced,
  made: readonly Made[],
  names: readonly string[],
  list: string | undefined,
): Promise<Descriptor> {
  const { context, store, options } = produced.session
  const descriptors: Descriptor[] = made.map((one) => ({ ...descriptorOf(one), platform: one.product.platform }))
  if (wantsAttestations(options)) {
    const { attest } = await import('./attest.js')
    const subject = list === undefined ? names : [...names, list]
    for (const { image, product } of made) descriptors.push(await attest(produced, product, image, subject))
  }
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
  top ??= await saveList(store, whole, localName(`build-${context.newId().slice(0, 12)}`))
  return { mediaType: mediaTypes.ociIndex, digest: top, size: store.readBlob(top).length }
}

function descriptorOf({ image: { raw } }: Made): Descriptor {
  return { mediaType: raw.mediaType, digest: raw.digest, size: raw.bytes.length }
}

/** The store had the image only for as long as it took to send it away. */
async function forget({ store }: Session, made: readonly Digest[], known: ReadonlySet<Digest>): Promise<void> {
  const gone = new Set(made.filter((digest) => !known.has(digest)))
  if (gone.size === 0) return
  await store.update((entries) => ({
    entries: entries.filter((entry) => !gone.has(entry.original ?? entry.manifest)),
    result: undefined,
  }))
}

function resultOf(
  id: string | undefined,
  top: Descriptor | undefined,
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
    top === undefined || first === undefined
      ? {}
      : {
          'containerimage.digest': top.digest,
          ...(products.length > 1 ? {} : { 'containerimage.config.digest': first.image.id }),
          'containerimage.descriptor': top,
          ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
        }
  return { id, digest: top?.digest, names, images, metadata }
}

function writeResultFiles({ iidFile, metadataFile }: BuildOptions, { id, metadata }: BuildResult): void {
  if (iidFile !== undefined && id !== undefined) writeFileAtomic(iidFile, `sha256:${id}`, { mode: 0o644 })
  if (metadataFile !== undefined)
    writeFileAtomic(metadataFile, `${JSON.stringify(metadata, undefined, 2)}\n`, { mode: 0o644 })
}
