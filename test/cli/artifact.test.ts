import { execFile } from 'node:child_process'
import { lstat, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ImageManifest } from '../../src/oci/image-spec.js'
import { expectValidLayout } from '../helpers/oci-checks.js'
import { startTestRegistry } from '../helpers/registry.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

const execute = promisify(execFile)

let store: TspodStore
let registry: RegistryProcess

beforeAll(async () => {
  store = await tspodStore()
  registry = await startRegistry()
  await writeFile(at('text'), 'hello\n')
  await writeFile(at('data'), Buffer.from([0, 1, 2, 3]))
  await writeFile(at('more.gz'), Buffer.from('1f8b0800', 'hex'))
})

afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

function at(name: string): string {
  return join(store.folder, name)
}

interface Inspected {
  readonly Manifest: {
    readonly artifactType: string
    readonly layers: readonly { readonly mediaType: string; readonly annotations: Record<string, string> }[]
  }
  readonly Name: string
  readonly Digest: string
}

async function inspect(name: string): Promise<Inspected> {
  return JSON.parse(await store.ok(['artifact', 'inspect', name])) as Inspected
}

const titles = ({ Manifest }: Inspected): string[] =>
  Manifest.layers.map(({ annotations }) => annotations['org.opencontainers.image.title'] ?? '')

test('files become an artifact, which can be extended, replaced, listed and removed', async () => {
  const digest = await store.ok([
    'artifact',
    'add',
    'thing:1',
    'text',
    'data',
    '--type',
    'application/x-thing',
    '--annotation',
    'a=b=c',
  ])
  const first = await inspect('thing:1')
  expect(first.Digest).toBe(`sha256:${digest}`)
  expect(first.Name).toBe('localhost/thing:1')
  expect(first.Manifest.artifactType).toBe('application/x-thing')
  expect(first.Manifest.layers.map(({ mediaType }) => mediaType)).toEqual(['text/plain', 'application/octet-stream'])
  expect(first.Manifest.layers[0]?.annotations).toEqual({ a: 'b=c', 'org.opencontainers.image.title': 'text' })
  await store.ok(['artifact', 'add', '--append', '--file-type', 'application/x-y', 'thing:1', 'more.gz'])
  expect(titles(await inspect('thing:1'))).toEqual(['text', 'data', 'more.gz'])
  expect((await store.run(['artifact', 'add', 'thing:1', 'text'])).stderr).toContain('artifact already exists')
  expect((await store.run(['artifact', 'add', '-a', 'thing:1', 'text'])).stderr).toContain('file already exists')
  await store.ok(['artifact', 'add', '--replace', 'thing:1', 'text'])
  expect(titles(await inspect('thing:1'))).toEqual(['text'])
  const other = await store.ok(['artifact', 'add', 'other', 'text'])
  expect((await store.ok(['artifact', 'ls', '-n'])).split('\n').map((line) => line.split(/\s+/))).toEqual([
    ['localhost/thing', '1', other.slice(0, 12), '6B'],
    ['localhost/other', 'latest', other.slice(0, 12), '6B'],
  ])
  expect(await store.ok(['artifact', 'ls', '--format', '{{.Repository}}|{{.Tag}}|{{.Size}}'])).toContain(
    'localhost/other|latest|6B',
  )
  expect(await store.ok(['artifact', 'ls'])).toMatch(/^REPOSITORY +TAG +DIGEST +SIZE/)
  await expectValidLayout(join(store.root, 'artifacts'))
  expect(await store.ok(['artifact', 'rm', 'other'])).toBe(other)
  expect(await store.ok(['artifact', 'rm', '--all'])).toBe(other)
  expect(await readdir(join(store.root, 'artifacts/blobs/sha256'))).toEqual([])
  expect((await store.run(['artifact', 'rm', 'other'])).stderr).toContain(
    'no artifact found with name or digest of other',
  )
  expect((await store.run(['artifact', 'rm', '--ignore', 'other'])).status).toBe(0)
})

test.each([
  [['artifact', 'add', 'x', 'nosuch'], 'no such file or directory'],
  [['artifact', 'add', 'x', '.'], 'no regular file'],
  [['artifact', 'add', 'Bad', 'text'], 'lowercase'],
  [['artifact', 'add', 'x', 'text', 'text'], 'file already exists'],
  [['artifact', 'add', '--type', 'x y', 'x', 'text'], 'no media type'],
  [['artifact', 'add', '--append', '--type', 'a/b', 'x', 'text'], 'not compatible'],
  [['artifact', 'add', '--append', 'x', 'text'], 'no artifact found'],
  [['artifact', 'add', '--annotation', 'a', 'x', 'text'], 'not KEY=VALUE'],
  [['artifact', 'add', '--annotation', 'org.opencontainers.image.title=y', 'x', 'text'], 'cannot override filename'],
  [['artifact', 'inspect', 'nosuch'], 'no artifact found'],
  [['artifact', 'push', 'nosuch'], 'no artifact found'],
  [['artifact', 'rm'], 'name an artifact'],
])('%j fails and leaves nothing', async (args, message) => {
  const { status, stderr } = await store.run(args)
  expect(status).toBe(125)
  expect(stderr).toContain(message)
  expect(await store.ok(['artifact', 'ls', '-q'])).toBe('')
  expect(await readdir(join(store.root, 'artifacts/blobs/sha256'))).toEqual([])
})

test('a registry takes it and gives it back, also to skopeo; run and images want none of it', async () => {
  const name = `${registry.host}/team/thing:1`
  const digest = await store.ok(['artifact', 'add', name, 'text', 'data'])
  await store.ok(['artifact', 'push', '--digestfile', at('digest'), '-q', name])
  expect(await readFile(at('digest'), 'utf8')).toBe(`sha256:${digest}`)
  await execute('skopeo', ['copy', '--src-tls-verify=false', `docker://${name}`, `oci:${at('copied')}:thing`])
  await expectValidLayout(at('copied'))
  await store.ok(['artifact', 'rm', name])
  expect(await store.ok(['artifact', 'pull', '-q', name])).toBe(digest)
  expect(await store.ok(['artifact', 'pull', '-q', `${registry.host}/team/thing@sha256:${digest}`])).toBe(digest)
  expect(await store.ok(['images', '-aq'])).toBe('')
  expect((await store.run(['pull', name])).stderr).toContain('unsupported image-specific operation on artifact')
  expect((await store.run(['artifact', 'pull', `${registry.host}/team/thing:2`])).stderr).toContain('manifest unknown')
  await store.ok(['artifact', 'rm', '-a'])
})

test('extract writes what was added, by folder, title and digest', async () => {
  await store.ok(['artifact', 'add', 'two', 'text', 'data'])
  await mkdir(at('out'))
  await symlink('/nonexistent', at('out/text'))
  await store.ok(['artifact', 'extract', 'two', 'out'])
  expect((await lstat(at('out/text'))).isFile()).toBe(true)
  expect(await readFile(at('out/text'), 'utf8')).toBe('hello\n')
  expect((await readdir(at('out'))).sort()).toEqual(['data', 'text'])
  await store.ok(['artifact', 'extract', '--title', 'data', 'two', 'alone'])
  expect(await readFile(at('alone'))).toEqual(Buffer.from([0, 1, 2, 3]))
  const digest = 'sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'
  await store.ok(['artifact', 'extract', '--digest', digest, 'two', 'out'])
  expect(await readFile(at(`out/${digest.replace(':', '-')}`), 'utf8')).toBe('hello\n')
  expect((await store.run(['artifact', 'extract', 'two', 'nofolder'])).stderr).toContain('several blobs')
  expect((await store.run(['artifact', 'extract', '--title', 'x', 'two', 'out'])).stderr).toContain('no blob')
  expect((await store.run(['artifact', 'extract', '--title', 'x', '--digest', digest, 'two', 'out'])).stderr).toContain(
    'both',
  )
  await store.ok(['artifact', 'rm', 'two'])
})

test.each(['../escape', '/etc/x', '..', 'a/b', 'nul\u0000'])('a title %j names no file outside', async (title) => {
  await using hostile = await startTestRegistry()
  const layer = {
    ...hostile.putBlob(Buffer.from('x'), 'text/plain'),
    annotations: { 'org.opencontainers.image.title': title },
  }
  const config = hostile.putBlob(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json')
  hostile.putManifest('bad', 'latest', { schemaVersion: 2, artifactType: 'a/b', config, layers: [layer] })
  await store.ok(['artifact', 'pull', '-q', `${hostile.host}/bad`])
  await mkdir(at('inner'), { recursive: true })
  const { status, stderr } = await store.run(['artifact', 'extract', `${hostile.host}/bad`, 'inner'])
  expect(status).toBe(125)
  expect(stderr).toContain('is no name of a file')
  expect(await readdir(at('inner'))).toEqual([])
  await store.ok(['artifact', 'rm', '-a'])
})

test('a blob that is not what its digest says is not kept', async () => {
  await using hostile = await startTestRegistry()
  const layer = hostile.putBlob(Buffer.from('right'), 'text/plain')
  hostile.blobs.set(layer.digest, Buffer.from('wrong'))
  const config = hostile.putBlob(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json')
  hostile.putManifest('bad', 'latest', { schemaVersion: 2, artifactType: 'a/b', config, layers: [layer] })
  const { status, stderr } = await store.run(['artifact', 'pull', `${hostile.host}/bad`])
  expect(status).toBe(125)
  expect(stderr).toContain('wrong content')
  expect(await store.ok(['artifact', 'ls', '-q'])).toBe('')
  expect(await readdir(join(store.root, 'artifacts/blobs/sha256'))).toEqual([])
})

test('system check reads artifacts; --repair fetches what a registry has, and removes what is lost', async () => {
  const name = `${registry.host}/checked:1`
  await store.ok(['artifact', 'add', name, 'text', 'data'])
  await store.ok(['artifact', 'push', '-q', name])
  await store.ok(['artifact', 'add', 'only-here:1', 'more.gz'])
  expect(await store.ok(['system', 'check'])).toBe('')
  const blobs = join(store.root, 'artifacts/blobs/sha256')
  const blobOf = async (one: string): Promise<string> => {
    const { layers } = (JSON.parse(await store.ok(['artifact', 'inspect', one])) as { Manifest: ImageManifest })
      .Manifest
    return layers[0]?.digest.replace('sha256:', '') ?? ''
  }
  const [shared, lost] = [await blobOf(name), await blobOf('only-here:1')]
  await writeFile(join(blobs, shared), 'HELLO\n')
  await rm(join(blobs, lost))
  await writeFile(join(blobs, '0'.repeat(64)), 'of a command that was killed')

  const found = await store.run(['system', 'check'])
  expect(found.status).toBe(125)
  expect(found.stdout).toContain(`artifact ${name}: its blob sha256:${shared} has other contents`)
  expect(found.stdout).toContain(`artifact localhost/only-here:1: its blob sha256:${lost} is missing`)
  expect((await store.run(['system', 'check', '--quick'])).stdout).not.toContain(name)

  const repaired = await store.ok(['system', 'check', '--repair'])
  expect(repaired.match(/\(repaired\)/g)).toHaveLength(2)
  expect(await store.ok(['system', 'check'])).toBe('')
  expect(await readFile(join(blobs, shared), 'utf8')).toBe('hello\n')
  const names = await store.ok(['artifact', 'ls', '--format', '{{.Repository}}'])
  expect(names).toContain('/checked')
  expect(names).not.toContain('only-here')
  expect(await readdir(blobs)).not.toContain('0'.repeat(64))
})
