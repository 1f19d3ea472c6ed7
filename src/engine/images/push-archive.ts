import { statSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import { formatReference, parseReference, withDefaultTag } from '../../image/reference.js'
import { ImageStore } from '../../storage/images.js'
import { digestOfEntry } from '../../storage/image-index.js'
import type { Context } from '../context.js'
import { keptSignatures } from './kept-signatures.js'
import { findImage, type Found } from './lookup.js'
import { imageNotKnown } from './record.js'
import { writeImages } from './save.js'
import type { Transport } from './transports.js'
import type { PushedImage, PushOptions, SaveFormat } from './types.js'

const formats: Readonly<Partial<Record<Transport['name'], SaveFormat>>> = {
  'docker-archive': 'docker-archive',
  'oci-archive': 'oci-archive',
  oci: 'oci-dir',
  dir: 'docker-dir',
}

/** `push IMAGE oci:FOLDER:NAME` and its kin: what `save` writes, under the name that was given. */
export async function pushToArchive(
  context: Context,
  name: string,
  transport: Transport,
  options: PushOptions,
): Promise<PushedImage> {
  if ((options.signBy ?? options.signBySigstore ?? options.signBySigstorePrivateKey) !== undefined)
    throw new TspodError(
      'not-supported',
      `cannot determine canonical Docker reference for destination ${transport.name}:${transport.path}: only what is pushed to a registry is signed`,
    )
  if (transport.name === 'containers-storage')
    throw new TspodError(
      'not-supported',
      "containers-storage: is Podman's own store, which only Podman writes: tspod save IMAGE | podman load",
    )
  const store = new ImageStore(context.paths)
  const found = await findImage(context, store.entries(), name)
  const format = formats[transport.name]
  if (found === undefined) throw imageNotKnown(name)
  if (format === undefined) throw new TspodError('not-supported', `${transport.name}: cannot be pushed to`)
  if (transport.name === 'docker-archive' && (statSync(transport.path, { throwIfNoEntry: false })?.size ?? 0) > 0)
    throw new TspodError(
      'not-supported',
      `initializing destination docker-archive:${transport.path}: docker-archive doesn't support modifying existing images`,
    )
  const keepSignatures = options.removeSignatures !== true
  if (keepSignatures) await requirePlaceForSignatures(store, found, transport)
  await writeImages(context, {
    names: [found.entry.id ?? name],
    ...(options.compress === true ? { compress: true } : {}),
    keepSignatures,
    manifest: {
      ...(options.format === undefined ? {} : { format: options.format }),
      ...(options.compression === undefined ? {} : { compression: options.compression }),
      ...(options.compressionLevel === undefined ? {} : { compressionLevel: options.compressionLevel }),
    },
    format,
    output: transport.path,
    tags: namesIn(transport, found),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  return { digest: digestOfEntry(found.entry), name: `${transport.name}:${transport.path}` }
}

/** containers/image has no place for signatures in these. */
const withoutSignatures: Readonly<Partial<Record<Transport['name'], string>>> = {
  'docker-archive': 'storing signatures for docker tar files is not supported',
  'oci-archive': 'pushing signatures for OCI images is not supported',
  oci: 'pushing signatures for OCI images is not supported',
}

async function requirePlaceForSignatures(store: ImageStore, found: Found, transport: Transport): Promise<void> {
  const why = withoutSignatures[transport.name]
  if (why === undefined || (await keptSignatures(store, digestOfEntry(found.entry))).length === 0) return
  const to = [transport.path, ...namesIn(transport, found)].slice(0, 2).join(':')
  throw new TspodError(
    'not-supported',
    `can not copy signatures to ${transport.name}:${to}: ${why}: --remove-signatures leaves them out`,
  )
}

/** A layout keeps a name as it was given; in a docker archive it is Docker's, and without one the image's own. */
function namesIn({ name, reference }: Transport, found: Found): readonly string[] {
  if (name !== 'docker-archive') return reference === undefined ? [] : [reference]
  if (reference !== undefined) return [formatReference(withDefaultTag(parseReference(reference)))]
  return found.name === undefined ? [] : [found.name]
}
