import { execFile } from 'node:child_process'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeLayout } from '../helpers/images.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { makeSigningKeys, writeRegistriesD, type SigningKeys } from '../helpers/signing.js'
import { tarArchive } from '../helpers/tar.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

const execute = promisify(execFile)
const owner = 'one@example.test'

let keys: SigningKeys
let registry: RegistryProcess
let store: TspodStore
let image: string

beforeAll(async () => {
  keys = await makeSigningKeys([owner, 'two@example.test'])
  registry = await startRegistry()
  const layers = [tarArchive([{ path: 'file', content: 'signed' }])]
  image = await registry.push(await makeLayout(at('layout'), { layers }), 'plain/app')
  store = await tspodStore()
  await store.ok(['pull', '-q', image])
  await store.ok(['tag', image, 'localhost/app'])
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
  await keys[Symbol.asyncDispose]()
})

beforeEach(async () => {
  await writeFile(at('accept.json'), JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }))
  await configure(`default-docker:\n  lookaside: file://${at('lookaside')}\n  use-sigstore-attachments: true\n`)
  await rm(at('lookaside'), { recursive: true, force: true })
})

function at(name: string): string {
  return keys.at(name)
}

const configure = (text: string): Promise<void> => writeRegistriesD(store, text)

const signedBy = (user: string, more: object = {}): object => ({
  type: 'signedBy',
  keyType: 'GPGKeys',
  keyPath: at(`${user}.pub`),
  ...more,
})

async function pull(name: string, ...requirements: object[]): Promise<string> {
  await writeFile(at('policy.json'), JSON.stringify({ default: requirements }))
  await store.run(['rmi', '--force', name])
  const { status, stderr } = await store.run(['pull', '-q', '--signature-policy', at('policy.json'), name])
  return status === 0 ? 'accepted' : stderr
}

/* Without those that came with what another test has pulled. */
const push = (to: string, ...args: string[]): Promise<string> =>
  store.ok(['push', '-q', '--remove-signatures', ...args, 'localhost/app', to], { env: { GNUPGHOME: at('gnupg') } })

test('what was pushed with --sign-by is accepted, here and by skopeo; what has another key or none is not', async () => {
  const name = `${registry.host}/simple/app:1`
  await push(name, '--sign-by', owner)
  expect(await pull(name, signedBy(owner))).toBe('accepted')
  expect(await pull(name, signedBy('two@example.test'))).toMatch(/source image rejected: .*is not accepted/)
  expect(await pull(name, signedBy(owner), signedBy('two@example.test'))).toMatch(/rejected/)
  expect(await pull(image, signedBy(owner))).toMatch(/a signature was required, but no signature exists/)
  await writeFile(at('policy.json'), JSON.stringify({ default: [signedBy(owner)] }))
  await skopeo('--policy', at('policy.json'), 'copy', '--src-tls-verify=false', `docker://${name}`, `dir:${at('copy')}`)
  expect(await readdir(at('copy'))).toContain('signature-1')
})

test('a rejected image leaves nothing behind, and its layers are never asked for', async () => {
  await using fresh = await tspodStore()
  await writeFile(at('policy.json'), JSON.stringify({ default: [signedBy(owner)] }))
  const result = await fresh.run(['pull', '--signature-policy', at('policy.json'), image])
  expect(result.status).toBe(125)
  expect(result.stderr).not.toMatch(/Copying/)
  expect(await readdir(join(fresh.root, 'layers'))).toEqual([])
  expect(await readdir(join(fresh.root, 'images/blobs/sha256'))).toEqual([])
  expect(await readdir(join(fresh.runroot, 'gpg')).catch(() => [])).toEqual([])
})

test('a signature of skopeo is accepted, for the name that it was made for', async () => {
  const [name, other] = [`${registry.host}/skopeo/app:1`, `${registry.host}/skopeo/app:2`]
  const registriesD = join(store.env['HOME'] ?? '', '.config/containers/registries.d')
  const copy = ['--registries.d', registriesD, '--policy', at('accept.json'), 'copy', '--src-tls-verify=false']
  await skopeo(...copy, '--dest-tls-verify=false', '--sign-by', owner, `docker://${image}`, `docker://${name}`)
  await skopeo(...copy, '--dest-tls-verify=false', `docker://${image}`, `docker://${other}`)
  expect(await pull(name, signedBy(owner))).toBe('accepted')
  expect(await pull(other, signedBy(owner))).toMatch(/signature for identity ".*app:1" is not accepted/)
  expect(await pull(other, signedBy(owner, { signedIdentity: { type: 'matchRepository' } }))).toBe('accepted')
  await skopeo(...copy, '--sign-by', owner, '--sign-identity', 'a.example/b:1', `docker://${image}`, `dir:${at('dir')}`)
  const exact = { signedIdentity: { type: 'exactReference', dockerReference: 'a.example/b:1' } }
  expect(await pull(`dir:${at('dir')}`, signedBy(owner, exact))).toBe('accepted')
  expect(await pull(`dir:${at('dir')}`, signedBy(owner))).toMatch(/not accepted/)
})

test('a signature of skopeo standalone-sign is accepted; damaged it is not', async () => {
  const name = `${registry.host}/alone/app:1`
  await push(name)
  await skopeo(
    '--policy',
    at('accept.json'),
    'copy',
    '--src-tls-verify=false',
    `docker://${name}`,
    `dir:${at('alone')}`,
  )
  const { stdout: digest } = await skopeo('manifest-digest', join(at('alone'), 'manifest.json'))
  const place = join(at('lookaside'), `alone/app@${digest.trim().replace(':', '=')}`)
  await mkdir(place, { recursive: true })
  const file = join(place, 'signature-1')
  await skopeo('standalone-sign', join(at('alone'), 'manifest.json'), name, owner, '-o', file)
  expect(await pull(name, signedBy(owner))).toBe('accepted')
  const bytes = await readFile(file)
  bytes[bytes.length - 8] = (bytes.at(-8) ?? 0) ^ 0xff
  await writeFile(file, bytes)
  expect(await pull(name, signedBy(owner))).toMatch(/invalid GPG signature/)
  await writeFile(file, '<html>')
  expect(await pull(name, signedBy(owner))).toMatch(/kind that is not known/)
  expect(await pull(image, signedBy(owner, { keyPath: at('ec.pub') }))).toMatch(/no signature exists/)
  expect(await pull(image, { ...signedBy(owner), keyType: 'X509Certificates' })).toMatch(
    /X509Certificates.*cannot be checked/,
  )
})

test('image sign writes what a lookaside serves', async () => {
  const name = `${registry.host}/served/app:1`
  await push(name)
  const env = { GNUPGHOME: at('gnupg') }
  await store.ok(['image', 'sign', '--sign-by', owner, '--directory', at('lookaside'), `docker://${name}`], { env })
  expect(await pull(name, signedBy(owner))).toBe('accepted')
  const [place = ''] = await readdir(join(at('lookaside'), 'served'))
  await store.ok(['image', 'sign', '--sign-by', 'two@example.test', name], { env })
  expect((await readdir(join(at('lookaside'), 'served', place))).sort()).toEqual(['signature-1', 'signature-2'])
  expect(await pull(name, signedBy('two@example.test'))).toBe('accepted')
  expect((await store.run(['image', 'sign', name])).stderr).toContain('please provide an identity')
  const { stderr } = await store.run(['image', 'sign', '--sign-by', 'nobody@example.test', name], { env })
  expect(stderr).toContain('nobody@example.test')
})

test('what was pushed with a sigstore key is accepted, and openssl agrees', async () => {
  const name = `${registry.host}/sigstore/app:1`
  await push(name, '--sign-by-sigstore-private-key', at('ec.key'))
  const sigstore = { type: 'sigstoreSigned', keyPath: at('ec.pub') }
  expect(await pull(name, sigstore)).toBe('accepted')
  expect(await pull(image, sigstore)).toMatch(/no signature exists/)
  const dir = at('attached')
  const tags = JSON.parse(
    (await skopeo('list-tags', '--tls-verify=false', `docker://${registry.host}/sigstore/app`)).stdout,
  ) as {
    Tags: string[]
  }
  const tag = tags.Tags.find((one) => one.endsWith('.sig')) ?? ''
  await skopeo(
    '--policy',
    at('accept.json'),
    'copy',
    '--src-tls-verify=false',
    `docker://${registry.host}/sigstore/app:${tag}`,
    `dir:${dir}`,
  )
  const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as {
    layers: { digest: string; annotations: Record<string, string> }[]
  }
  const [layer] = manifest.layers
  await writeFile(at('sig'), Buffer.from(layer?.annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64'))
  const payload = join(dir, layer?.digest.replace('sha256:', '') ?? '')
  const verified = await execute('openssl', [
    'dgst',
    '-sha256',
    '-verify',
    at('ec.pub'),
    '-signature',
    at('sig'),
    payload,
  ])
  expect(verified.stdout).toContain('Verified OK')
  await push(name, '--sign-by-sigstore-private-key', at('ec.key'))
  expect(await pull(name, sigstore)).toBe('accepted')
})

test('what cannot be kept or made is said before anything is sent', async () => {
  const to = `${registry.host}/never/app`
  await configure('default-docker:\n  lookaside: https://sigs.example\n')
  const run = async (...args: string[]): Promise<string> => {
    const { status, stderr } = await store.run(['push', '--remove-signatures', ...args, 'localhost/app', to], {
      env: { GNUPGHOME: at('gnupg') },
    })
    expect(status).toBe(125)
    return stderr
  }
  expect(await run('--sign-by', owner)).toMatch(/cannot be written to https:\/\/sigs.example/)
  expect(await run('--sign-by-sigstore-private-key', at('ec.key'))).toMatch(/use-sigstore-attachments/)
  expect(await run('--sign-by-sigstore-private-key', at('ec.pub'))).toMatch(/no private key/)
  await writeFile(at('params.yaml'), 'fulcio:\n  fulcioURL: https://x\n')
  expect(await run('--sign-by-sigstore', at('params.yaml'))).toMatch(/fulcio is not supported/)
  const { stderr } = await store.run(['push', '--sign-by', owner, 'localhost/app', `oci:${at('never')}`])
  expect(stderr).toMatch(/cannot determine canonical Docker reference/)
  const { stderr: missing } = await store.run(['pull', to])
  expect(missing).toMatch(/manifest unknown|name unknown/)
})

function skopeo(...args: string[]): Promise<{ stdout: string }> {
  return execute('skopeo', args, { env: { ...keys.env, HOME: store.env['HOME'] ?? '' } })
}
