import type { KeyObject } from 'node:crypto'
import { TspodError } from '../../base/errors.js'
import { isSignedBy } from './sigstore-key.js'

export interface LoggedSignature {
  readonly payload: Buffer
  readonly signature: Buffer
  /** The key that the signature is to be by. */
  readonly key: KeyObject
}

/**
 * Checks the promise of a Rekor log to have an entry for this signature (“signed entry timestamp”), which cosign keeps
 * beside it. Nobody is asked: the log's signature is verified, and that the entry is about this key, signature and payload.
 */
export async function requireLogged(
  bundle: string,
  rekorKeys: readonly KeyObject[],
  signed: LoggedSignature,
): Promise<void> {
  const outer = objectOf(parse(bundle), 'the bundle')
  const entry = objectOf(outer['Payload'], 'its payload')
  const promise = bytesOf(outer['SignedEntryTimestamp'], 'its timestamp')
  const canonical = Buffer.from(canonicalJson(entry))
  const checks = await Promise.all(rekorKeys.map((key) => isSignedBy(canonical, promise, key)))
  if (!checks.includes(true)) throw invalid('the log has not signed it')
  const body = objectOf(parse(bytesOf(entry['body'], 'its body').toString('utf8')), 'its body')
  if (body['kind'] !== 'hashedrekord' || body['apiVersion'] !== '0.0.1')
    throw invalid('its entry is none of kind hashedrekord 0.0.1')
  await requireEntry(objectOf(body['spec'], 'its entry'), signed)
}

async function requireEntry(spec: Table, { payload, signature, key }: LoggedSignature): Promise<void> {
  const { createHash } = await import('node:crypto')
  const logged = objectOf(spec['signature'], 'its signature')
  const pem = bytesOf(objectOf(logged['publicKey'], 'its key')['content'], 'its key').toString('latin1')
  const der = /^-----BEGIN [A-Z ]+-----([A-Za-z0-9+/=\s]+)-----END [A-Z ]+-----\s*$/.exec(pem)?.[1] ?? ''
  if (!Buffer.from(der, 'base64').equals(key.export({ type: 'spki', format: 'der' })))
    throw invalid('its entry is about another key')
  if (!bytesOf(logged['content'], 'its signature').equals(signature))
    throw invalid('its entry is about another signature')
  const hash = objectOf(objectOf(spec['data'], 'its data')['hash'], 'its hash')
  if (hash['algorithm'] !== 'sha256' || hash['value'] !== createHash('sha256').update(payload).digest('hex'))
    throw invalid('its entry is about another payload')
}

type Table = Readonly<Record<string, unknown>>

/** RFC 8785, for what such an entry has: objects, texts, whole numbers. */
function canonicalJson(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const keys = Object.keys(value).sort() /* By UTF-16 units, as the RFC wants it. */
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson((value as Table)[key])}`).join(',')}}`
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw invalid('it has a number that is not whole')
  return JSON.stringify(value)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('it is not JSON')
  }
}

function objectOf(value: unknown, what: string): Table {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Table
  throw invalid(`${what} is missing`)
}

function bytesOf(value: unknown, what: string): Buffer {
  if (typeof value === 'string' && value !== '') return Buffer.from(value, 'base64')
  throw invalid(`${what} is missing`)
}

function invalid(why: string): TspodError {
  return new TspodError('registry-denied', `invalid Rekor bundle: ${why}`)
}
