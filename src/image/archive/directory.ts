import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { digestHex, digestOf } from '../../base/digest.js'
import type { ImageSource } from '../image.js'
import { maximumManifestSize } from '../manifest.js'
import { maximumSignatureSize, mostSignatures, parseSignatureFile, type Signature } from '../trust/signature.js'
import { readMember, type FileReader } from './reader.js'
import { folderWriter, type FileWriter } from './writer.js'

/** The `dir:` transport of skopeo: manifest.json, and each blob under the hexadecimal digits of its digest. */
export function directorySource(reader: FileReader): ImageSource {
  return {
    description: `dir:${reader.path}`,
    async manifest(digest) {
      const name = digest === undefined ? 'manifest.json' : `${digestHex(digest)}.manifest.json`
      const bytes = await readMember(reader, name, maximumManifestSize)
      if (bytes === undefined) throw new TspodError('archive-invalid', `${reader.path} has no ${name}`)
      const found = await digestOf(bytes)
      if (digest !== undefined && found !== digest) {
        throw new TspodError('digest-mismatch', `${name} in ${reader.path} has the digest ${found}`)
      }
      return { bytes, digest: found, mediaType: '' }
    },
    async signatures(digest) {
      const top = await readMember(reader, 'manifest.json', maximumManifestSize)
      const isTop = top !== undefined && (await digestOf(top)) === digest
      return readSignatures(reader, isTop ? '' : `${digestHex(digest)}.`)
    },
    blob: (descriptor) => reader.stream(digestHex(descriptor.digest)),
    close: () => Promise.resolve(),
  }
}

/** `signature-N`, N from 1 to the first that is missing. */
async function readSignatures(reader: FileReader, prefix: string): Promise<readonly Signature[]> {
  const found: Signature[] = []
  for (let number = 1; number <= mostSignatures; number++) {
    const name = `${prefix}signature-${String(number)}`
    const bytes = await readMember(reader, name, maximumSignatureSize)
    if (bytes === undefined) break
    found.push(parseSignatureFile(bytes, `${name} in ${reader.path}`))
  }
  return found
}

/** What skopeo's `dir:` has: blobs, manifests, signatures, and what says that it is one. */
const ownName = /^(?:[0-9a-f]{64,128}(?:\.manifest\.json|\.signature-\d+)?|manifest\.json|signature-\d+|version)$/

/** A folder that becomes an image in place of one that it was. What is anything else is not written into. */
export async function imageFolderWriter(folder: string): Promise<FileWriter> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const names = await readdir(folder)
  const version = await readFile(join(folder, 'version'), 'utf8').catch(() => '')
  if (names.length > 0 && !version.startsWith('Directory Transport Version: '))
    throw new TspodError(
      'invalid-argument',
      `${folder}: not a containers image directory, don't want to overwrite important data`,
    )
  for (const name of names) if (ownName.test(name)) await rm(join(folder, name), { force: true })
  return folderWriter(folder)
}
