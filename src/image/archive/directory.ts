import { TspodError } from '../../base/errors.js'
import { digestHex, digestOf } from '../../base/digest.js'
import type { ImageSource } from '../image.js'
import { maximumManifestSize } from '../manifest.js'
import { maximumSignatureSize, mostSignatures, parseSignatureFile, type Signature } from '../trust/signature.js'
import { readMember, type FileReader } from './reader.js'

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
