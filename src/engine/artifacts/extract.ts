import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { TspodError } from '../../base/errors.js'
import { newId } from '../../base/id.js'
import { verified } from '../../image/verify.js'
import type { Descriptor } from '../../oci/image-spec.js'
import type { ImageStore } from '../../storage/images.js'
import type { Context } from '../context.js'
import { titleKey } from './add.js'
import { artifactStore, findArtifact, type StoredArtifact } from './store.js'
import type { ArtifactExtractOptions, ArtifactFile } from './types.js'

/** Writes an artifact's files into a folder that is there, or a single one into a file. Verified while they are read. */
export async function extractArtifact(
  context: Context,
  name: string,
  target: string,
  options: ArtifactExtractOptions = {},
): Promise<void> {
  const store = artifactStore(context)
  const chosen = chooseFiles(store, findArtifact(store, name), options)
  const isFolder = (await stat(target).catch(() => undefined))?.isDirectory() === true
  const [only] = chosen
  if (isFolder) {
    for (const file of chosen) await writeBlob(store, file.layer, join(target, file.name))
    return
  }
  if (only === undefined || chosen.length > 1) {
    throw new TspodError(
      'invalid-argument',
      `the artifact consists of several blobs and the target ${JSON.stringify(target)} is not a directory and neither digest or title was specified to only copy a single blob`,
    )
  }
  await writeBlob(store, only.layer, target)
}

/** An artifact's files and where their bytes are, for who mounts them. */
export function artifactFiles(context: Context, name: string, options: ArtifactExtractOptions = {}): ArtifactFile[] {
  const store = artifactStore(context)
  return chooseFiles(store, findArtifact(store, name), options)
}

function chooseFiles(
  store: ImageStore,
  { entry, manifest }: StoredArtifact,
  { digest, title }: ArtifactExtractOptions,
): ArtifactFile[] {
  if (digest !== undefined && title !== undefined) throw new TspodError('usage', 'cannot specify both digest and title')
  if (manifest.layers.length === 0)
    throw new TspodError('invalid-argument', 'the artifact has no blobs, nothing to extract')
  const fitting = manifest.layers.filter(
    (layer) =>
      (digest === undefined || layer.digest === digest) &&
      (title === undefined || layer.annotations?.[titleKey] === title),
  )
  if (fitting.length === 0)
    throw new TspodError(
      'invalid-argument',
      `no blob with the ${digest === undefined ? `title ${JSON.stringify(title)}` : `digest ${JSON.stringify(digest)}`} in ${entry.name ?? entry.manifest}`,
    )
  if (title !== undefined && fitting.length > 1)
    throw new TspodError('ambiguous-name', `the title ${JSON.stringify(title)} is found more than once: say --digest`)
  const files = digest === undefined ? fitting : fitting.slice(0, 1)
  return files.map((layer) => ({
    layer,
    name: fileName(layer, digest !== undefined),
    path: store.blobPath(layer.digest),
  }))
}

/** A title comes from a registry: it names a file in the folder, and nothing else. */
function fileName(layer: Descriptor, byDigest: boolean): string {
  const title = layer.annotations?.[titleKey] ?? ''
  if (byDigest || title === '') return layer.digest.replace(':', '-')
  if (/[/\0]/.test(title) || title === '.' || title === '..' || Buffer.byteLength(title) > 255)
    throw new TspodError('image-invalid', `the title ${JSON.stringify(title.slice(0, 300))} is no name of a file`)
  return title
}

/** Under another name first: a link that is there is replaced, never followed, and nobody sees half a file. */
async function writeBlob(store: ImageStore, layer: Descriptor, path: string): Promise<void> {
  const partial = join(dirname(path), `.tspod-${newId().slice(0, 12)}.part`)
  try {
    await pipeline(
      verified(store.streamBlob(layer.digest), layer),
      createWriteStream(partial, { flags: 'wx', mode: 0o644 }),
    )
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    if (error instanceof TspodError) throw error
    throw new TspodError('io', `writing ${path}: ${(error as Error).message}`, { cause: error })
  }
}
