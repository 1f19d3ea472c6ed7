import { TspodError } from '../../base/errors.js'
import { digestHex, digestOf } from '../../base/digest.js'
import type { ImageSource } from '../image.js'
import { maximumManifestSize } from '../manifest.js'
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
    blob: (descriptor) => reader.stream(digestHex(descriptor.digest)),
    close: () => Promise.resolve(),
  }
}
