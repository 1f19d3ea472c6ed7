import { readFile, stat } from 'node:fs/promises'
import { TspodError } from '../../base/errors.js'
import { parseYamlMappings } from '../../config/yaml-mappings.js'
import { formatReference, withDefaultTag, type Reference } from '../../image/reference.js'
import { gpgSign } from '../../image/trust/gpg.js'
import { formatClaim, type SignedClaim } from '../../image/trust/payload.js'
import { sigstoreAnnotations, sigstoreMediaType, type Signature } from '../../image/trust/signature.js'
import { signWith, sigstorePrivateKey } from '../../image/trust/sigstore-key.js'
import type { Digest } from '../../oci/image-spec.js'
import type { Context } from '../context.js'
import type { SignOptions } from './types.js'

/** Signs that manifests go by a name, with every key that was given. */
export interface Signer {
  readonly kinds: readonly Signature['kind'][]
  sign(digest: Digest): Promise<readonly Signature[]>
}

const maximumFileSize = 64 * 1024

/** Makes ready what signs; undefined if nothing was asked for. Keys that cannot be read are told before anything is sent. */
export async function openSigner(
  context: Context,
  reference: Reference,
  options: SignOptions,
): Promise<Signer | undefined> {
  const { signBy } = options
  if (
    signBy !== undefined &&
    options.signBySigstorePrivateKey !== undefined &&
    options.signPassphraseFile !== undefined
  )
    throw new TspodError(
      'usage',
      'only one of --sign-by and --sign-by-sigstore-private-key can be used with --sign-passphrase-file',
    )
  const sigstore = await sigstoreKey(options)
  if (signBy === undefined && sigstore === undefined) return undefined
  const passphrase = sigstore === undefined ? await passphraseOf(options) : undefined
  const name = formatReference(withDefaultTag(reference))
  return {
    kinds: [
      ...(signBy === undefined ? [] : ['simple' as const]),
      ...(sigstore === undefined ? [] : ['sigstore' as const]),
    ],
    async sign(digest) {
      const claim: SignedClaim = { digest, reference: name }
      const made: Signature[] = []
      context.onProgress?.({ id: '', action: 'Creating signature', done: true })
      if (signBy !== undefined) {
        const payload = formatClaim('simple', claim, context.clock())
        made.push({ kind: 'simple', bytes: await gpgSign(payload, signBy, { passphrase, env: context.env }) })
      }
      if (sigstore !== undefined) {
        const payload = formatClaim('sigstore', claim, context.clock())
        const signature = (await signWith(payload, sigstore)).toString('base64')
        const annotations = { [sigstoreAnnotations.signature]: signature }
        made.push({ kind: 'sigstore', mediaType: sigstoreMediaType, payload, annotations })
      }
      return made
    },
  }
}

async function sigstoreKey(options: SignOptions): Promise<Awaited<ReturnType<typeof sigstorePrivateKey>> | undefined> {
  const { signBySigstore: parameters, signBySigstorePrivateKey: path } = options
  if (parameters !== undefined && path !== undefined)
    throw new TspodError('usage', 'only one of --sign-by-sigstore and --sign-by-sigstore-private-key can be given')
  if (path !== undefined) return openKey(path, await passphraseOf(options))
  if (parameters === undefined) return undefined
  const file = parseYamlMappings((await readSmall(parameters)).toString('utf8'), parameters)
  for (const key of ['fulcio', 'rekorURL'] as const)
    if (file[key] !== undefined)
      throw new TspodError(
        'not-supported',
        `${parameters}: signing with ${key} is not supported, only with privateKeyFile`,
      )
  const { privateKeyFile, privateKeyPassphraseFile } = file
  if (typeof privateKeyFile !== 'string')
    throw new TspodError('config-invalid', `${parameters} names no privateKeyFile`)
  const secret =
    typeof privateKeyPassphraseFile === 'string' ? await readPassphrase(privateKeyPassphraseFile) : undefined
  return openKey(privateKeyFile, secret ?? (await passphraseOf(options)))
}

async function openKey(
  path: string,
  passphrase: string | undefined,
): Promise<Awaited<ReturnType<typeof sigstorePrivateKey>>> {
  const secret = passphrase === undefined ? undefined : Buffer.from(passphrase)
  return sigstorePrivateKey(await readSmall(path), secret, path)
}

async function passphraseOf({ signPassphraseFile, signPassphrase }: SignOptions): Promise<string | undefined> {
  return signPassphraseFile === undefined ? signPassphrase : readPassphrase(signPassphraseFile)
}

/** The first line of a file. */
async function readPassphrase(path: string): Promise<string> {
  return (await readSmall(path)).toString('utf8').replace(/\r?\n.*$/s, '')
}

async function readSmall(path: string): Promise<Buffer> {
  try {
    if ((await stat(path)).size > maximumFileSize) throw new TspodError('limit-exceeded', `${path} is too large`)
    return await readFile(path)
  } catch (error) {
    if (error instanceof TspodError) throw error
    throw new TspodError('io', `reading ${path}: ${(error as Error).message}`, { cause: error })
  }
}
