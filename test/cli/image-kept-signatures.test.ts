import { execFile } from 'node:child_process'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeLayout } from '../helpers/images.js'
import { startTestRegistry } from '../helpers/registry.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { makeSigningKeys, writeRegistriesD, type SigningKeys } from '../helpers/signing.js'
import { tarArchive } from '../helpers/tar.js'
import { explain, tspodStore, type TspodStore } from '../helpers/tspod.js'

/** Signatures that came with an image: where they are kept, and where they go along. */

const execute = promisify(execFile)
const owner = 'one@example.test'
const sigstoreKey = 'application/vnd.dev.cosign.simplesigning.v1+json'

let keys: SigningKeys
let registry: RegistryProcess
let store: TspodStore
/** Signed by both ways; another image, plain. */
let signed: string
let plain: string

beforeAll(async () => {
  keys = await makeSigningKeys([owner])
  registry = await startRegistry()
  store = await tspodStore()
  await configure(lookaside('lookaside'))
  const layers = [tarArchive([{ path: 'file', content: 'signed' }])]
  plain = await registry.push(await makeLayout(at('layout'), { layers }), 'plain/app')
  signed = `${registry.host}/signed/app:1`
  await store.ok(['pull', '-q', plain])
  await store.ok(['push', '-q', '--sign-by', owner, '--sign-by-sigstore-private-key', at('ec.key'), plain, signed], {
    env: { GNUPGHOME: at('gnupg') },
  })
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
  await keys[Symbol.asyncDispose]()
})

beforeEach(async () => {
  await configure(lookaside('lookaside'))
  await store.ok(['rmi', '--all', '--force'])
  await store.ok(['pull', '-q', signed])
})

function at(name: string): string {
  return keys.at(name)
}

const lookaside = (name: string, attachments = true): string =>
  `default-docker:\n  lookaside: file://${at(name)}\n  use-sigstore-attachments: ${String(attachments)}\n`

const configure = (text: string): Promise<void> => writeRegistriesD(store, text)

async function digestOfImage(): Promise<string> {
  const [{ Digest = '' } = {}] = JSON.parse(await store.ok(['image', 'inspect', signed])) as { Digest?: string }[]
  return Digest
}

/** The files of simple signatures that a lookaside has of a repository's image. */
async function filesIn(name: string, repository: string): Promise<Buffer[]> {
  const place = at(`${name}/${repository}@${(await digestOfImage()).replace(':', '=')}`)
  const names = (await readdir(place).catch(() => [])).sort()
  return Promise.all(names.map((one) => readFile(join(place, one))))
}

interface Attached {
  readonly layers: readonly { readonly mediaType: string; readonly annotations: Readonly<Record<string, string>> }[]
}

/** What is attached to an image of a repository. */
async function attachedTo(repository: string): Promise<Attached | undefined> {
  const tag = `${(await digestOfImage()).replace(':', '-')}.sig`
  const response = await fetch(`http://${registry.host}/v2/${repository}/manifests/${tag}`, {
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  })
  return response.ok ? ((await response.json()) as Attached) : undefined
}

async function isAccepted(name: string, ...requirements: object[]): Promise<boolean> {
  await using fresh = await tspodStore()
  const configuration = join(store.env['HOME'] ?? '', '.config/containers/registries.d/test.yaml')
  await writeRegistriesD(fresh, await readFile(configuration, 'utf8'))
  await writeFile(at('policy.json'), JSON.stringify({ default: requirements }))
  const result = await fresh.run(['pull', '-q', '--signature-policy', at('policy.json'), name])
  if (result.status !== 0) expect(result.stderr, explain(result)).toContain('source image rejected')
  return result.status === 0
}

const identity = (): object => ({ signedIdentity: { type: 'exactReference', dockerReference: signed } })
const signedBy = (): object => ({ type: 'signedBy', keyType: 'GPGKeys', keyPath: at(`${owner}.pub`), ...identity() })
const sigstore = (): object => ({ type: 'sigstoreSigned', keyPath: at('ec.pub'), ...identity() })

test('signatures go along to another repository, byte for byte, and are accepted there', async () => {
  const before = await filesIn('lookaside', 'signed/app')
  expect(before).toHaveLength(1)
  const copy = `${registry.host}/copied/app:1`
  await store.ok(['push', '-q', signed, copy])
  expect(await filesIn('lookaside', 'copied/app')).toEqual(before)
  const attached = await attachedTo('copied/app')
  expect(attached).toEqual(await attachedTo('signed/app'))
  expect(attached?.layers.map(({ mediaType }) => mediaType)).toEqual([sigstoreKey])
  expect(await isAccepted(copy, signedBy())).toBe(true)
  expect(await isAccepted(copy, sigstore())).toBe(true)
  expect(await isAccepted(plain, signedBy())).toBe(false)
})

test('skopeo finds them', async () => {
  await store.ok(['push', '-q', signed, `${registry.host}/copied/skopeo:1`])
  await writeFile(at('skopeo.json'), JSON.stringify({ default: [signedBy()] }))
  const env = { ...keys.env, HOME: store.env['HOME'] ?? '' }
  const to = `dir:${at('by-skopeo')}`
  const from = `docker://${registry.host}/copied/skopeo:1`
  await execute('skopeo', ['--policy', at('skopeo.json'), 'copy', '--src-tls-verify=false', from, to], { env })
  expect((await readdir(at('by-skopeo'))).filter((name) => name.startsWith('signature-'))).toHaveLength(2)
})

test('pushed again, nothing is there twice; a new signature comes to those that are kept', async () => {
  const copy = `${registry.host}/again/app:1`
  await store.ok(['push', '-q', signed, copy])
  await store.ok(['push', '-q', signed, copy])
  expect(await filesIn('lookaside', 'again/app')).toHaveLength(1)
  expect((await attachedTo('again/app'))?.layers).toHaveLength(1)
  await store.ok(['push', '-q', '--sign-by', owner, signed, copy], { env: { GNUPGHOME: at('gnupg') } })
  const files = await filesIn('lookaside', 'again/app')
  expect(files).toHaveLength(2)
  expect(files[0]).toEqual((await filesIn('lookaside', 'signed/app'))[0])
  await store.ok(['push', '-q', signed, copy])
  expect(await filesIn('lookaside', 'again/app')).toHaveLength(1)
})

test('--remove-signatures leaves them behind, and an image without any has none to send', async () => {
  await store.ok(['push', '-q', '--remove-signatures', signed, `${registry.host}/bare/app:1`])
  expect(await filesIn('lookaside', 'bare/app')).toEqual([])
  expect(await attachedTo('bare/app')).toBeUndefined()
})

test('what would change the bytes that were signed is refused, unless the signatures are left out', async () => {
  const to = `${registry.host}/changed/app:1`
  for (const change of [
    ['--compression-format', 'zstd'],
    ['--format', 'v2s2'],
  ]) {
    const refused = await store.run(['push', '-q', ...change, signed, to])
    expect(refused.status, explain(refused)).toBe(125)
    expect(refused.stderr).toContain('would invalidate the signatures')
    await store.ok(['push', '-q', '--remove-signatures', ...change, signed, to])
  }
  expect(await attachedTo('changed/app')).toBeUndefined()
})

test('a transport that has no place for them refuses them; a folder keeps them', async () => {
  const places = [
    [`oci:${at('oci')}:x`, /can not copy signatures to oci:.*:x: pushing signatures for OCI images is not supported/],
    [`oci-archive:${at('oci.tar')}:x`, /pushing signatures for OCI images is not supported/],
    [`docker-archive:${at('docker.tar')}:x`, /storing signatures for docker tar files is not supported/],
  ] as const
  for (const [place, message] of places) {
    const refused = await store.run(['push', '-q', signed, place])
    expect(refused.status, explain(refused)).toBe(125)
    expect(refused.stderr).toMatch(message)
    await store.ok(['push', '-q', '--remove-signatures', signed, place])
  }
  await store.ok(['push', '-q', signed, `dir:${at('dir')}`])
  const files = (await readdir(at('dir'))).filter((name) => name.startsWith('signature-')).sort()
  expect(files).toEqual(['signature-1', 'signature-2'])
  expect([await readFile(join(at('dir'), 'signature-1'))]).toEqual(await filesIn('lookaside', 'signed/app'))
  expect(await isAccepted(`dir:${at('dir')}`, signedBy())).toBe(true)

  await store.ok(['rmi', '--all', '--force'])
  await store.ok(['pull', '-q', `dir:${at('dir')}`])
  const [id = ''] = (await store.ok(['images', '-q', '--no-trunc'])).split('\n')
  await store.ok(['push', '-q', id, `dir:${at('dir-again')}`])
  for (const name of ['signature-1', 'signature-2'])
    expect(await readFile(join(at('dir-again'), name))).toEqual(await readFile(join(at('dir'), name)))
})

test('save leaves them out, as in Podman', async () => {
  for (const format of ['docker-archive', 'oci-archive', 'oci-dir', 'docker-dir'])
    await store.ok(['save', '-q', '--format', format, '-o', at(`saved-${format}`), signed])
  expect((await readdir(at('saved-docker-dir'))).filter((name) => name.startsWith('signature'))).toEqual([])
})

test('where they cannot be written nothing is sent', async () => {
  const to = `${registry.host}/unwritten/app:1`
  await configure(lookaside('lookaside', false))
  expect((await store.run(['push', '-q', signed, to])).stderr).toContain('use-sigstore-attachments')
  await configure('default-docker:\n  lookaside: https://sigs.example\n  use-sigstore-attachments: true\n')
  expect((await store.run(['push', '-q', signed, to])).stderr).toContain('cannot be written to https://sigs.example')
  expect((await fetch(`http://${registry.host}/v2/unwritten/app/tags/list`)).status).toBe(404)
})

test('they stay with the image under its other names, go with it, and come with a pull of what is there', async () => {
  const before = await filesIn('lookaside', 'signed/app')
  await store.ok(['tag', signed, 'localhost/other'])
  await store.ok(['rmi', signed])
  await store.ok(['pull', '-q', plain])
  await store.ok(['push', '-q', 'localhost/other', `dir:${at('by-other-name')}`])
  expect(await readFile(join(at('by-other-name'), 'signature-1'))).toEqual(before[0])
  await store.ok(['rmi', '--all', '--force'])
  expect(await readdir(join(store.root, 'images/blobs/sha256'))).toEqual([])

  await configure(lookaside('none', false))
  await store.ok(['pull', '-q', signed])
  await store.ok(['push', '-q', signed, `dir:${at('unsigned')}`])
  expect((await readdir(at('unsigned'))).filter((name) => name.startsWith('signature'))).toEqual([])
  await configure(lookaside('lookaside'))
  await store.ok(['pull', '-q', signed])
  await store.ok(['push', '-q', signed, `dir:${at('late')}`])
  expect((await readdir(at('late'))).filter((name) => name.startsWith('signature'))).toHaveLength(2)
})

test('a manifest list takes the signatures of its images along, local ones and a registry’s', async () => {
  await store.ok(['manifest', 'create', 'list', signed])
  await store.ok(['rmi', signed])
  await store.ok(['manifest', 'push', '-q', 'list', `docker://${registry.host}/list/local:1`])
  await store.ok(['pull', '-q', signed])
  const before = await filesIn('lookaside', 'signed/app')
  expect(await filesIn('lookaside', 'list/local')).toEqual(before)
  expect((await attachedTo('list/local'))?.layers).toHaveLength(1)

  await store.ok(['rmi', '--all', '--force'])
  await store.ok(['manifest', 'create', 'list'])
  await store.ok(['manifest', 'add', 'list', `docker://${signed}`])
  await store.ok(['manifest', 'push', '-q', 'list', `docker://${registry.host}/list/remote:1`])
  await store.ok(['manifest', 'push', '-q', '--remove-signatures', 'list', `docker://${registry.host}/list/bare:1`])
  await store.ok(['pull', '-q', signed])
  expect(await filesIn('lookaside', 'list/remote')).toEqual(before)
  expect(await filesIn('lookaside', 'list/bare')).toEqual([])
})

test('system check knows them, and --repair fetches them again or goes without', async () => {
  const index = JSON.parse(await readFile(join(store.root, 'images/index.json'), 'utf8')) as {
    manifests: { annotations: Record<string, string> }[]
  }
  const blob = index.manifests[0]?.annotations['dev.tspod.image.signatures'] ?? ''
  const path = join(store.root, 'images/blobs', ...blob.split(':'))
  expect(await store.ok(['system', 'check'])).toBe('')
  await writeFile(path, '{}')
  expect((await store.run(['system', 'check'])).stdout).toContain(blob)
  expect(await store.ok(['system', 'check', '--repair'])).toContain('(repaired)')
  await store.ok(['push', '-q', signed, `dir:${at('repaired')}`])
  expect((await readdir(at('repaired'))).filter((name) => name.startsWith('signature'))).toHaveLength(2)

  await configure(lookaside('none', false))
  await rm(path)
  expect(await store.ok(['system', 'check', '--repair'])).toContain('set of signatures')
  expect(await store.ok(['system', 'check'])).toBe('')
  await store.ok(['push', '-q', signed, `${registry.host}/without/app:1`])
})

test('a registry that keeps signatures itself gives and gets them', async () => {
  await using keeper = await startTestRegistry()
  keeper.putImage('app', '1', [tarArchive([{ path: 'file', content: 'kept' }])])
  const content = Buffer.from([0x88, 1, 2, 3])
  const written: { path: string; body: Record<string, unknown> }[] = []
  keeper.misbehave = (request, response, url) => {
    response.setHeader('x-registry-supports-signatures', '1')
    if (request.method === 'PUT' && url.pathname.includes('/manifests/')) {
      request.resume().on('end', () => response.writeHead(201).end())
      return true
    }
    if (!url.pathname.startsWith('/extensions/v2/')) return false
    if (request.method === 'PUT') {
      let text = ''
      request.on('data', (chunk: Buffer) => (text += chunk.toString()))
      request.on('end', () => {
        written.push({ path: url.pathname, body: JSON.parse(text) as Record<string, unknown> })
        response.writeHead(201).end()
      })
      return true
    }
    const one = { schemaVersion: 2, type: 'atomic', name: 'x', content: content.toString('base64') }
    const signatures = url.pathname.includes('/app/') ? [one] : []
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ signatures }))
    return true
  }
  const name = `${keeper.host}/app:1`
  await store.ok(['pull', '-q', name])
  await store.ok(['push', '-q', name, `dir:${at('from-keeper')}`])
  expect(await readFile(join(at('from-keeper'), 'signature-1'))).toEqual(content)
  await store.ok(['push', '-q', name, `${keeper.host}/copy:1`])
  expect(written).toHaveLength(1)
  const [{ path, body } = { path: '', body: {} }] = written
  expect(path).toMatch(/^\/extensions\/v2\/copy\/signatures\/sha256:[0-9a-f]{64}$/)
  expect(body).toMatchObject({ schemaVersion: 2, type: 'atomic', content: content.toString('base64') })
  expect(body['name']).toMatch(/^sha256:[0-9a-f]{64}@[0-9a-f]{32}$/)
  await store.ok(['push', '-q', name, name])
  expect(written).toHaveLength(1)
})
