import type { KeyObject } from 'node:crypto'
import { TspodError } from '../../base/errors.js'
import { openSecretbox } from './secretbox.js'

const maximumKeySize = 64 * 1024

/** A public key in PEM: ECDSA, Ed25519, RSA. */
export async function sigstorePublicKey(pem: Buffer, where: string): Promise<KeyObject> {
  const { createPublicKey } = await import('node:crypto')
  const text = pem.toString('latin1')
  if (pem.length > maximumKeySize || /PRIVATE KEY/.test(text) || !/-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(text))
    throw new TspodError('config-invalid', `${where} is no public key in PEM format`)
  try {
    return createPublicKey(pem)
  } catch (error) {
    throw new TspodError('config-invalid', `${where} is no valid public key`, { cause: error })
  }
}

/** A private key: cosign's, which a passphrase closes, or a plain or encrypted one of PKCS #8. */
export async function sigstorePrivateKey(
  pem: Buffer,
  passphrase: Buffer | undefined,
  path: string,
): Promise<KeyObject> {
  const { createPrivateKey } = await import('node:crypto')
  if (pem.length > maximumKeySize) throw new TspodError('limit-exceeded', `${path} is too large for a key`)
  const sealed = /-----BEGIN ENCRYPTED (?:COSIGN|SIGSTORE) PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(
    pem.toString('latin1'),
  )
  try {
    if (sealed !== null) {
      const der = await unsealed(Buffer.from(sealed[1] ?? '', 'base64'), passphrase ?? Buffer.alloc(0))
      return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    }
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (error) {
    const why = error instanceof TspodError ? error.message : 'it is no private key, or its passphrase is wrong'
    throw new TspodError('invalid-argument', `${path}: ${why}`, { cause: error })
  }
}

/** Whether bytes are signed; SHA-256 wherever the kind of key leaves it open. */
export async function isSignedBy(payload: Buffer, signature: Buffer, key: KeyObject): Promise<boolean> {
  const { verify } = await import('node:crypto')
  try {
    return verify(hashFor(key), payload, key, signature)
  } catch {
    return false /* Not even the form of a signature. */
  }
}

export async function signWith(payload: Buffer, key: KeyObject): Promise<Buffer> {
  const { sign } = await import('node:crypto')
  return sign(hashFor(key), payload, key)
}

function hashFor(key: KeyObject): string | null {
  const type = key.asymmetricKeyType
  if (type === 'ed25519') return null
  if (type === 'ec' || type === 'rsa') return 'sha256'
  throw new TspodError('not-supported', `keys of type ${String(type)} do not sign images`)
}

/** The Update Framework's format, which cosign uses: scrypt, then NaCl's secretbox. */
async function unsealed(bytes: Buffer, passphrase: Buffer): Promise<Buffer> {
  const { scryptSync } = await import('node:crypto')
  const { kdf, cipher, ciphertext } = JSON.parse(bytes.toString('utf8')) as {
    kdf?: { name?: unknown; params?: { N?: unknown; r?: unknown; p?: unknown }; salt?: unknown }
    cipher?: { name?: unknown; nonce?: unknown }
    ciphertext?: unknown
  }
  const { N, r, p } = kdf?.params ?? {}
  if (kdf?.name !== 'scrypt' || cipher?.name !== 'nacl/secretbox')
    throw new TspodError('not-supported', 'the key is encrypted in a way that is not known')
  if (!isSmall(N, 2 ** 20) || !isSmall(r, 64) || !isSmall(p, 64) || 128 * N * r > 1 << 30)
    throw new TspodError('limit-exceeded', 'opening the key would take too much memory')
  const nonce = Buffer.from(String(cipher.nonce), 'base64')
  if (nonce.length !== 24) throw new TspodError('invalid-argument', 'the key is damaged')
  const key = scryptSync(passphrase, Buffer.from(String(kdf.salt), 'base64'), 32, {
    N,
    r,
    p,
    maxmem: 256 * N * r + 2 ** 20,
  })
  return openSecretbox(Buffer.from(String(ciphertext), 'base64'), nonce, key)
}

function isSmall(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= most
}
