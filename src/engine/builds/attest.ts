import { join } from 'node:path'
import { digestHex } from '../../base/digest.js'
import { programVersion } from '../../base/version.js'
import { attestationManifest, type NamedStatement } from '../../build/attestation.js'
import { imageUrl, provenancePredicate, provenanceType, type BuildFacts } from '../../build/provenance.js'
import { completePlatform } from '../../image/platform.js'
import { parseReference } from '../../image/reference.js'
import type { LoadedImage } from '../../image/image.js'
import type { Descriptor, Digest, Platform } from '../../oci/image-spec.js'
import { storeDestination } from '../images/store-image.js'
import { writeFolder } from './write-folder.js'
import type { Produced, Product } from './produce.js'
import { scanFiles } from './scan.js'

/** What is said of one image, kept in the store: the descriptor is for the index in which the image stands. */
export async function attest(
  produced: Produced,
  product: Product,
  image: LoadedImage,
  names: readonly string[],
): Promise<Descriptor> {
  const { session } = produced
  const statements = await statementsOf(produced, product)
  const urls = names.map((name) => urlOf(name, product.platform))
  const subjects = urls.length > 0 ? urls : [imageUrl(digestHex(image.raw.digest), undefined, product.platform)]
  const { blobs, descriptor } = await attestationManifest(image.raw.digest, subjects, statements)
  const destination = storeDestination(session.store)
  for (const { bytes, digest } of blobs)
    await destination.putBlob({ mediaType: '', digest, size: bytes.length }, () => single(bytes))
  return descriptor
}

const said = new WeakMap<Product, Promise<readonly NamedStatement[]>>()

/** What is said of a product: once, for all the outputs it goes to. */
export function statementsOf(produced: Produced, product: Product): Promise<readonly NamedStatement[]> {
  const known = said.get(product)
  if (known !== undefined) return known
  const statements = scanned(produced, product).then((scans) => [...scans, ...provenanceOf(produced)])
  said.set(product, statements)
  return statements
}

async function scanned(produced: Produced, product: Product): Promise<NamedStatement[]> {
  const { session } = produced
  const { sbom } = session.options
  if (sbom === undefined) return []
  return session.report.step('generating sbom', async (step) => {
    const folder = join(session.workspace.place().aside, 'files')
    await writeFolder(produced, product.stage.root, folder)
    return scanFiles(session, sbom, folder, step)
  })
}

function provenanceOf({ session, input, images, began }: Produced): NamedStatement[] {
  const { options, context } = session
  const { provenance, context: source, target, secrets = [], ssh = [] } = options
  if (provenance === undefined) return []
  const { version = 'v1', fileName = 'provenance.json', inlineOnly = false } = provenance
  const facts: BuildFacts = {
    mode: provenance.mode,
    version,
    ...(provenance.builderId === undefined ? {} : { builderId: provenance.builderId }),
    ...(provenance.reproducible === undefined ? {} : { reproducible: provenance.reproducible }),
    dockerfile: { path: input.file.filename, text: input.file.source },
    ...(typeof source === 'string' && isUrl(source) ? { contextUrl: withoutLogin(source) } : {}),
    ...(target === undefined ? {} : { target }),
    buildArgs: options.buildArgs ?? {},
    labels: options.labels ?? {},
    secrets: secrets.map(({ id }) => id),
    ssh: ssh.map(({ id }) => id),
    materials: images.map(({ name, digest, platform }) => ({ uri: urlOf(name, platform, digest), digest })),
    builderPlatform: completePlatform(),
    builderVersion: programVersion(),
    invocationId: context.newId().slice(0, 32),
    started: began,
    finished: context.clock(),
  }
  return [{ predicateType: provenanceType(version), predicate: provenancePredicate(facts), fileName, inlineOnly }]
}

function isUrl(text: string): boolean {
  return /^(?:https?|git|ssh):\/\/|^git@/.test(text)
}

/** A URL may carry a password, which is nobody's business. */
function withoutLogin(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/@]*@/, '$1')
}

/** Docker's own images are called as people call them. */
function urlOf(name: string, platform: Platform, digest?: Digest): string {
  const { domain, path, tag } = parseReference(name)
  const familiar = domain === 'docker.io' ? path.replace(/^library\//, '') : `${domain}/${path}`
  return imageUrl(familiar, tag, platform, digest)
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
