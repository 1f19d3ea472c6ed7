import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TspodError } from '../../base/errors.js'
import { digestAlgorithm, digestHex } from '../../base/digest.js'
import { signaturePlace } from '../../config/registries-d.js'
import { parseManifest } from '../../image/manifest.js'
import { formatReference, parseReference, withDefaultTag, type Reference } from '../../image/reference.js'
import { RegistrySource } from '../../image/registry/source.js'
import { addSignatureFile } from '../../image/trust/lookaside.js'
import type { Digest } from '../../oci/image-spec.js'
import type { Context } from '../context.js'
import { registryOptions } from './access.js'
import { openSigner } from './signers.js'
import { parseTransport } from './transports.js'
import type { SignImagesOptions } from './types.js'

/**
 * Signs images of registries by gpg, and writes the signatures into a folder that serves as lookaside: the one given, or
 * the one that registries.d names. Answers the files.
 */
export async function signImages(
  context: Context,
  names: readonly string[],
  options: SignImagesOptions,
): Promise<string[]> {
  const written: string[] = []
  for (const name of names) {
    const reference = withDefaultTag(referenceOf(name))
    const signer = await openSigner(context, reference, options)
    if (signer === undefined) throw new TspodError('usage', 'please provide an identity: --sign-by KEY')
    const folder = folderFor(context, reference, options.directory)
    for (const digest of await digestsOf(context, reference, options)) {
      const place = `${folder}@${digestAlgorithm(digest)}=${digestHex(digest)}`
      for (const signature of await signer.sign(digest)) written.push(await addSignatureFile(place, signature))
    }
  }
  return written
}

function referenceOf(name: string): Reference {
  const transport = parseTransport(name)
  if (transport !== undefined && transport.name !== 'docker')
    throw new TspodError('invalid-reference', `cannot determine canonical Docker reference for ${name}`)
  return parseReference(transport?.path ?? name)
}

function folderFor(context: Context, reference: Reference, directory: string | undefined): string {
  if (directory !== undefined) return join(directory, reference.path)
  const { staging } = signaturePlace(context.env, formatReference(reference))
  if (!staging.startsWith('file:'))
    throw new TspodError(
      'not-supported',
      `writing to ${staging} is not supported: use a lookaside-staging folder in registries.d, or --directory`,
    )
  return join(fileURLToPath(staging), reference.path)
}

/** The manifest that the name stands for; with `all` those of a list, too. */
async function digestsOf(
  context: Context,
  reference: Reference,
  options: SignImagesOptions,
): Promise<readonly Digest[]> {
  const source = new RegistrySource(reference, registryOptions(context, options))
  try {
    const top = await source.manifest(undefined, options.signal)
    if (options.all !== true) return [top.digest]
    const parsed = parseManifest(top.bytes, top.mediaType)
    if (parsed.kind === 'image')
      throw new TspodError(
        'invalid-argument',
        `${formatReference(reference)} is not a manifest list: --all signs those only`,
      )
    return [...parsed.index.manifests.map(({ digest }) => digest), top.digest]
  } finally {
    await source.close()
  }
}
