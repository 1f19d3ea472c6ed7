import { TspodError } from '../../base/errors.js'

/**
 * Opens NaCl's secretbox (XSalsa20 and Poly1305), with which cosign closes its private keys, and which node:crypto lacks.
 * For files of a few hundred bytes that are the user's own: it is neither fast nor does it hide how long it takes.
 */
export function openSecretbox(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Buffer {
  const stream = xsalsa20(box.length - tagSize + 32, nonce, key)
  const [tag, ciphertext] = [box.subarray(0, tagSize), box.subarray(tagSize)]
  const expected = poly1305(ciphertext, stream.subarray(0, 32))
  const difference = expected.reduce((sum, byte, at) => sum | (byte ^ (tag[at] ?? 0)), tag.length ^ tagSize)
  if (difference !== 0) throw new TspodError('invalid-argument', 'the passphrase is wrong, or the key is damaged')
  return Buffer.from(ciphertext.map((byte, at) => byte ^ (stream[at + 32] ?? 0)))
}

/** The other way round. */
export function closeSecretbox(message: Uint8Array, nonce: Uint8Array, key: Uint8Array): Buffer {
  const stream = xsalsa20(message.length + 32, nonce, key)
  const ciphertext = message.map((byte, at) => byte ^ (stream[at + 32] ?? 0))
  return Buffer.concat([poly1305(ciphertext, stream.subarray(0, 32)), ciphertext])
}

const tagSize = 16
const sigma = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]

/** D. J. Bernstein, “Extending the Salsa20 nonce”. */
function xsalsa20(length: number, nonce: Uint8Array, key: Uint8Array): Buffer {
  const inner = hsalsa20(nonce.subarray(0, 16), key)
  const out = Buffer.alloc(Math.max(0, length))
  for (let block = 0; block * 64 < length; block++) {
    const input = stateOf(inner, Buffer.concat([nonce.subarray(16, 24), counter(block)]))
    const mixed = rounds(input)
    const bytes = Buffer.alloc(64)
    mixed.forEach((word, at) => bytes.writeUInt32LE((word + (input[at] ?? 0)) >>> 0, at * 4))
    bytes.copy(out, block * 64)
  }
  return out
}

function hsalsa20(nonce: Uint8Array, key: Uint8Array): Buffer {
  const mixed = rounds(stateOf(key, nonce))
  const out = Buffer.alloc(32)
  ;[0, 5, 10, 15, 6, 7, 8, 9].forEach((from, at) => out.writeUInt32LE((mixed[from] ?? 0) >>> 0, at * 4))
  return out
}

function stateOf(key: Uint8Array, middle: Uint8Array): readonly number[] {
  const [k, n] = [words(key), words(middle)]
  const s = sigma
  return [s[0], ...k.slice(0, 4), s[1], ...n, s[2], ...k.slice(4), s[3]].map((word) => word ?? 0)
}

function words(bytes: Uint8Array): readonly number[] {
  const view = Buffer.from(bytes)
  return Array.from({ length: view.length / 4 }, (_, at) => view.readUInt32LE(at * 4))
}

function counter(block: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(block, 0)
  return bytes
}

/** Four indices each: first the columns, then the rows. */
const quarters = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const

function rounds(input: readonly number[]): Uint32Array {
  const x = Uint32Array.from(input)
  const add = (to: number, a: number, b: number, by: number): void => {
    const sum = ((x[a] ?? 0) + (x[b] ?? 0)) >>> 0
    x[to] = (x[to] ?? 0) ^ ((sum << by) | (sum >>> (32 - by)))
  }
  for (let round = 0; round < 10; round++) {
    for (const [a, b, c, d] of quarters) {
      add(b, a, d, 7)
      add(c, b, a, 9)
      add(d, c, b, 13)
      add(a, d, c, 18)
    }
  }
  return x
}

/** RFC 8439, “The Poly1305 Algorithm”. */
function poly1305(message: Uint8Array, key: Uint8Array): Buffer {
  const p = (1n << 130n) - 5n
  const r = littleEndian(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn
  let sum = 0n
  for (let at = 0; at < message.length; at += 16) {
    const part = message.subarray(at, at + 16)
    sum = ((sum + littleEndian(part) + (1n << BigInt(part.length * 8))) * r) % p
  }
  sum += littleEndian(key.subarray(16, 32))
  const tag = Buffer.alloc(tagSize)
  for (let at = 0; at < tagSize; at++, sum >>= 8n) tag[at] = Number(sum & 0xffn)
  return tag
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}
