import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseRequirement, type SignedIdentity } from '../../../src/config/policy-requirement.js'
import { parseReference } from '../../../src/image/reference.js'
import { identityMatches } from '../../../src/image/trust/identity.js'
import { formatClaim, parseClaim } from '../../../src/image/trust/payload.js'
import { requireSignature, type SignedImage } from '../../../src/image/trust/requirement.js'
import { closeSecretbox, openSecretbox } from '../../../src/image/trust/secretbox.js'
import { formatSignatureFile, parseSignatureFile, type Signature } from '../../../src/image/trust/signature.js'

const digest = `sha256:${'a'.repeat(64)}`
const identities: readonly (readonly [SignedIdentity, string, string, boolean])[] = [
  [{ type: 'matchExact' }, 'a.example/x:1', 'a.example/x:1', true],
  [{ type: 'matchExact' }, 'a.example/x:1', 'a.example/x:2', false],
  [{ type: 'matchExact' }, `a.example/x@${digest}`, 'a.example/x:1', false],
  [{ type: 'matchExact' }, 'busybox:1', 'docker.io/library/busybox:1', true],
  [{ type: 'matchRepoDigestOrExact' }, 'a.example/x:1', 'a.example/x:1', true],
  [{ type: 'matchRepoDigestOrExact' }, 'a.example/x:1', 'a.example/x:2', false],
  [{ type: 'matchRepoDigestOrExact' }, `a.example/x@${digest}`, 'a.example/x:2', true],
  [{ type: 'matchRepoDigestOrExact' }, `a.example/x@${digest}`, 'a.example/y:2', false],
  [{ type: 'matchRepoDigestOrExact' }, `a.example/x@${digest}`, 'a.example/x', false],
  [{ type: 'matchRepository' }, 'a.example/x:1', 'a.example/x:2', true],
  [{ type: 'matchRepository' }, 'a.example/x:1', 'a.example/xy:1', false],
  [{ type: 'exactReference', dockerReference: 'b.example/y:3' }, 'a.example/x:1', 'b.example/y:3', true],
  [{ type: 'exactReference', dockerReference: 'b.example/y:3' }, 'a.example/x:1', 'b.example/y:4', false],
  [{ type: 'exactReference', dockerReference: 'b.example/y' }, 'a.example/x:1', 'b.example/y', false],
  [{ type: 'exactRepository', dockerRepository: 'b.example/y' }, 'a.example/x:1', 'b.example/y:9', true],
  [{ type: 'exactRepository', dockerRepository: 'b.example/y' }, 'a.example/x:1', 'a.example/x:1', false],
  [
    { type: 'remapIdentity', prefix: 'm.example', signedPrefix: 'v.example/z' },
    'm.example/x:1',
    'v.example/z/x:1',
    true,
  ],
  [
    { type: 'remapIdentity', prefix: 'm.example', signedPrefix: 'v.example/z' },
    'm.example/x:1',
    'm.example/x:1',
    false,
  ],
  [
    { type: 'remapIdentity', prefix: 'm.example/x', signedPrefix: 'v.example' },
    'm.example/xy:1',
    'm.example/xy:1',
    true,
  ],
  [{ type: 'matchRepository' }, 'a.example/x:1', 'a.example/\u0000', false],
]

test.each(identities)('%j: %s signed as %s: %s', (rule, intended, signed, expected) => {
  expect(identityMatches(rule, parseReference(intended), signed)).toBe(expected)
})

test('an image without a name fits only rules that name one', () => {
  expect(identityMatches({ type: 'matchRepository' }, undefined, 'a.example/x:1')).toBe(false)
  expect(
    identityMatches({ type: 'exactRepository', dockerRepository: 'a.example/x' }, undefined, 'a.example/x:1'),
  ).toBe(true)
})

test.each([
  ['no key', { type: 'signedBy', keyType: 'GPGKeys' }],
  ['two keys', { type: 'signedBy', keyType: 'GPGKeys', keyPath: '/a', keyData: 'b' }],
  ['a key type nobody knows', { type: 'signedBy', keyType: 'Other', keyPath: '/a' }],
  ['a key nobody knows', { type: 'signedBy', keyType: 'GPGKeys', keyPath: '/a', also: 1 }],
  ['an identity nobody knows', { type: 'sigstoreSigned', keyPath: '/a', signedIdentity: { type: 'any' } }],
  [
    'an identity that is not whole',
    { type: 'sigstoreSigned', keyPath: '/a', signedIdentity: { type: 'remapIdentity' } },
  ],
  ['a key and an authority', { type: 'sigstoreSigned', keyPath: '/a', fulcio: {} }],
  ['an authority without its log', { type: 'sigstoreSigned', fulcio: {} }],
  ['an empty list', { type: 'sigstoreSigned', keyPaths: [] }],
  ['reject with something more', { type: 'reject', but: 'not' }],
])('a requirement with %s is refused', (_, requirement) => {
  expect(() => parseRequirement(requirement, 'policy.json')).toThrow(/not a valid policy/)
})

test('what was signed is read back, and nothing that says more or less', () => {
  const claim = { digest, reference: 'a.example/x:1' } as const
  const bytes = formatClaim('simple', claim as never, new Date(0))
  expect(parseClaim('simple', bytes)).toEqual(claim)
  expect(() => parseClaim('sigstore', bytes)).toThrow(/its type/)
  const document = JSON.parse(bytes.toString()) as { critical: Record<string, unknown> }
  document.critical['more'] = true
  expect(() => parseClaim('simple', Buffer.from(JSON.stringify(document)))).toThrow(/not exactly/)
  expect(() => parseClaim('simple', Buffer.from('['))).toThrow(/not JSON/)
})

test('a signature file of each kind is read back', () => {
  const all: readonly Signature[] = [
    { kind: 'simple', bytes: Buffer.from([0x90, 1, 2]) },
    { kind: 'sigstore', mediaType: 'x/y', payload: Buffer.from('{}'), annotations: { a: 'b' } },
  ]
  for (const one of all) expect(parseSignatureFile(formatSignatureFile(one), 'here')).toEqual(one)
  expect(() => parseSignatureFile(Buffer.from('<html>'), 'here')).toThrow(/kind that is not known/)
  expect(() => parseSignatureFile(Buffer.alloc(0), 'here')).toThrow(/empty/)
})

/* The first vector that NaCl's own tests have (tests/secretbox.c). */
test('a box is what NaCl makes of it, and opens by its key only', () => {
  const key = Buffer.from('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389', 'hex')
  const nonce = Buffer.from('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37', 'hex')
  const message = Buffer.from(
    'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705',
    'hex',
  )
  const box = closeSecretbox(message, nonce, key)
  expect(box.subarray(0, 16).toString('hex')).toBe('f3ffc7703f9400e52a7dfb4b3d3305d9')
  expect(box.subarray(16, 32).toString('hex')).toBe('8e993b9f48681273c29650ba32fc76ce')
  expect(openSecretbox(box, nonce, key)).toEqual(message)
  box[20] = (box[20] ?? 0) ^ 1
  expect(() => openSecretbox(box, nonce, key)).toThrow(/passphrase is wrong/)
  expect(() => openSecretbox(Buffer.alloc(3), nonce, key)).toThrow(/passphrase is wrong/)
})

describe('sigstore', () => {
  const manifest = Buffer.from('{"schemaVersion":2}')
  const manifestDigest = `sha256:${createHash('sha256').update(manifest).digest('hex')}` as const
  const reference = parseReference('a.example/x:1')
  const pem = (key: KeyObject): string => Buffer.from(key.export({ type: 'spki', format: 'pem' })).toString('base64')

  function signed(
    privateKey: KeyObject,
    change: (claim: { digest: string; reference: string }) => void = () => undefined,
  ) {
    const claim = { digest: manifestDigest, reference: 'a.example/x:1' }
    change(claim)
    const payload = formatClaim('sigstore', claim, new Date(0))
    const algorithm = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    const bytes = sign(algorithm, payload, privateKey)
    const signature: Signature = {
      kind: 'sigstore',
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      payload,
      annotations: { 'dev.cosignproject.cosign/signature': bytes.toString('base64') },
    }
    return { signature, payload, bytes }
  }

  const image = (...signatures: Signature[]): SignedImage => ({ reference, manifest, signatures })
  const requirement = (table: object) => {
    const parsed = parseRequirement({ type: 'sigstoreSigned', ...table }, 'policy.json')
    if (parsed.type !== 'sigstoreSigned') throw new Error(parsed.type)
    return parsed
  }
  const check = (table: object, one: SignedImage): Promise<void> =>
    requireSignature(requirement(table), one, '/nonexistent')

  test.each([
    ['ECDSA P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ])('%s: only what the key has signed is accepted', async (_, make) => {
    const [own, other] = [make(), make()]
    const keyData = pem(own.publicKey)
    const { signature } = signed(own.privateKey)
    await check({ keyData }, image(signature))
    await check({ keyDatas: [pem(other.publicKey), keyData] }, image(signed(other.privateKey).signature))
    await check({ keyData }, image(signed(other.privateKey).signature, signature))
    await expect(check({ keyData: pem(other.publicKey) }, image(signature))).rejects.toThrow(
      /none of the accepted keys/,
    )
    await expect(check({ keyData }, image())).rejects.toThrow(/no signature exists/)
  })

  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keyData = pem(publicKey)

  test('another manifest, another name and another kind are not accepted', async () => {
    const { signature, payload } = signed(privateKey)
    await expect(check({ keyData }, { ...image(signature), manifest: Buffer.from('{}') })).rejects.toThrow(
      /does not match/,
    )
    const named = signed(privateKey, (claim) => (claim.reference = 'a.example/y:1')).signature
    await expect(check({ keyData }, image(named))).rejects.toThrow(/identity "a.example\/y:1" is not accepted/)
    await expect(check({ keyData }, image({ kind: 'simple', bytes: payload }))).rejects.toThrow(/no signature exists/)
    const attestation: Signature = { ...signature, mediaType: 'application/vnd.dsse.envelope.v1+json' }
    await expect(check({ keyData }, image(attestation))).rejects.toThrow(/is no signature/)
  })

  test('certificates are refused by name, and so is a key that is none', async () => {
    const { signature } = signed(privateKey)
    await expect(check({ pki: {} }, image(signature))).rejects.toThrow(/pki in policy.json.* cannot be checked/)
    const wrong = Buffer.from('no key').toString('base64')
    await expect(check({ keyData: wrong }, image(signature))).rejects.toThrow(/no public key/)
    const folder = mkdtempSync(join(tmpdir(), 'tspod-trust-'))
    try {
      writeFileSync(join(folder, 'private.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
      await expect(check({ keyPath: join(folder, 'private.pem') }, image(signature))).rejects.toThrow(/no public key/)
      await expect(check({ keyPath: join(folder, 'none') }, image(signature))).rejects.toThrow(/reading the key/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test("a log's promise has to be about this very signature", async () => {
    const log = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { signature, payload, bytes } = signed(privateKey)
    const rekorPublicKeyData = pem(log.publicKey)
    const bundled = (change: (entry: Record<string, string>) => void = () => undefined): Signature => {
      const facts = {
        key: keyData,
        content: bytes.toString('base64'),
        hash: createHash('sha256').update(payload).digest('hex'),
      }
      change(facts)
      const body = {
        apiVersion: '0.0.1',
        kind: 'hashedrekord',
        spec: {
          data: { hash: { algorithm: 'sha256', value: facts.hash } },
          signature: { content: facts.content, publicKey: { content: facts.key } },
        },
      }
      /* In the order of its keys, without spaces: that is its canonical form. */
      const entry = {
        body: Buffer.from(JSON.stringify(body)).toString('base64'),
        integratedTime: 5,
        logID: 'c0',
        logIndex: 7,
      }
      const promise = sign('sha256', Buffer.from(JSON.stringify(entry)), log.privateKey).toString('base64')
      const bundle = JSON.stringify({
        Payload: Object.fromEntries(Object.entries(entry).reverse()),
        SignedEntryTimestamp: promise,
      })
      const annotations = {
        ...(signature.kind === 'sigstore' ? signature.annotations : {}),
        'dev.sigstore.cosign/bundle': bundle,
      }
      return { ...signature, annotations }
    }
    await check({ keyData, rekorPublicKeyData }, image(bundled()))
    const refused = (one: Signature, key = rekorPublicKeyData): ReturnType<typeof expect<Promise<void>>>['rejects'] =>
      expect(check({ keyData, rekorPublicKeyData: key }, image(one))).rejects
    await refused(signature).toThrow(/bundle is missing/)
    await refused(bundled(), keyData).toThrow(/has not signed it/)
    await refused(bundled((facts) => (facts['key'] = rekorPublicKeyData))).toThrow(/about another key/)
    await refused(bundled((facts) => (facts['content'] = 'AAAA'))).toThrow(/about another signature/)
    await refused(bundled((facts) => (facts['hash'] = '00'))).toThrow(/about another payload/)
  })
})
