import { execFile } from 'node:child_process'
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { busyboxLayout } from '../helpers/images.js'
import { expectValidLayout } from '../helpers/oci-checks.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

const execute = promisify(execFile)

let store: TspodStore
let registry: RegistryProcess
let id: string

beforeAll(async () => {
  store = await tspodStore()
  registry = await startRegistry()
  const image = await registry.push(await busyboxLayout(at('layout')), 'app')
  id = await store.ok(['pull', '-q', image])
  await store.ok(['tag', image, 'localhost/app:1', 'localhost/app:2'])
})

afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

function at(name: string): string {
  return join(store.folder, name)
}

interface Index {
  readonly manifests: readonly { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }[]
}

async function namesIn(folder: string): Promise<(string | undefined)[]> {
  const { manifests } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as Index
  return manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'])
}

test.each([
  ['docker-archive:PLACE', 'localhost/app:1'],
  ['docker-archive:PLACE:named:3', 'docker.io/library/named:3'],
  ['oci-archive:PLACE', undefined],
  ['oci-archive:PLACE:named:3', 'localhost/named:3'],
  ['oci:PLACE', undefined],
  ['oci:PLACE:named:3', 'localhost/named:3'],
  ['dir:PLACE', undefined],
])('what was pushed to %s can be pulled, run and read by skopeo', async (pattern, expected) => {
  const transport = pattern.replace('PLACE', at(pattern.replace(/\W/g, '-')))
  await store.ok(['push', '-q', 'localhost/app:1', transport])
  const { stdout } = await execute('skopeo', ['inspect', '--config', transport])
  expect(JSON.parse(stdout)).toHaveProperty('rootfs')
  await using other = await tspodStore()
  expect(await other.ok(['run', '--rm', transport, 'echo', 'hello'])).toBe('hello')
  expect(await other.ok(['images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.Id}}'])).toBe(
    `${expected ?? '<none>:<none>'} ${id}`,
  )
  expect(await other.ok(['pull', '-q', transport])).toBe(id)
})

test('an image is added to a layout that is there, in place of one of its name', async () => {
  const place = at('growing')
  await store.ok(['push', '-q', 'localhost/app:1', `oci:${place}:one`])
  await store.ok(['push', '-q', 'localhost/app:1', `oci:${place}:two`])
  await store.ok(['push', '-q', '--compression-format', 'zstd', 'localhost/app:1', `oci:${place}:one`])
  await store.ok(['save', '-q', '--format', 'oci-dir', '-o', place, 'localhost/app:2'])
  expect(await namesIn(place)).toEqual(['two', 'one', 'localhost/app:2'])
  await expectValidLayout(place)
  expect(await readdir(join(place, 'blobs/sha256'))).toHaveLength(5)
  expect(await store.ok(['load', '-q', '-i', place])).toContain('localhost/two:latest')
})

test('save --uncompressed and push --compression-format write what they say', async () => {
  await store.ok(['save', '-q', '--uncompressed', '--format', 'oci-dir', '-o', 'plain', 'localhost/app:1'])
  await store.ok(['save', '-q', '--uncompressed', '--format', 'oci-archive', '-o', 'plain.tar', 'localhost/app:1'])
  await store.ok(['push', '-q', '--compression-format', 'zstd', 'localhost/app:1', `oci-archive:${at('zstd.tar')}`])
  await expectValidLayout(at('plain'))
  const mediaType = async (source: string): Promise<string | undefined> => {
    const { stdout } = await execute('skopeo', ['inspect', '--raw', source])
    return (JSON.parse(stdout) as { layers: { mediaType: string }[] }).layers[0]?.mediaType
  }
  expect(await mediaType(`oci:${at('plain')}`)).toBe('application/vnd.oci.image.layer.v1.tar')
  expect(await mediaType(`oci-archive:${at('plain.tar')}`)).toBe('application/vnd.oci.image.layer.v1.tar')
  expect(await mediaType(`oci-archive:${at('zstd.tar')}`)).toBe('application/vnd.oci.image.layer.v1.tar+zstd')
  expect((await stat(at('plain.tar'))).size).toBeGreaterThan((await stat(at('zstd.tar'))).size)
})

test("docker-dir is Docker's manifest, and --compress compresses what is not", async () => {
  await using other = await tspodStore()
  await other.ok(['load', '-q', '-i', at('plain.tar')])
  const save = (...args: string[]): Promise<string> => other.ok(['save', '-q', '--format', 'docker-dir', ...args, id])
  await save('-o', 'plain')
  await save('-o', 'small', '--compress')
  const layer = async (folder: string): Promise<string | undefined> => {
    const text = await readFile(join(other.folder, folder, 'manifest.json'), 'utf8')
    const manifest = JSON.parse(text) as { mediaType: string; layers: { mediaType: string }[] }
    expect(manifest.mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json')
    return manifest.layers[0]?.mediaType
  }
  expect(await layer('plain')).toBe('application/vnd.docker.image.rootfs.diff.tar')
  expect(await layer('small')).toBe('application/vnd.docker.image.rootfs.diff.tar.gzip')
  expect((await other.run(['save', '--compress', '-o', 'x', id])).stderr).toContain('docker-dir')
})

test('a folder becomes the image in place of the one that it was; what is anything else stays as it is', async () => {
  const push = (...args: string[]): Promise<string> =>
    store.ok(['push', '-q', ...args, 'localhost/app:1', 'dir:turned'])
  await push('--compression-format', 'zstd')
  const before = await readdir(at('turned'))
  await writeFile(join(at('turned'), 'signature-1'), 'of another image')
  await writeFile(join(at('turned'), 'notes'), 'mine')
  await push()
  const after = await readdir(at('turned'))
  expect(after).toHaveLength(before.length + 1)
  expect(after).not.toContain('signature-1')
  expect(after).toContain('notes')

  await mkdir(at('full'))
  await writeFile(join(at('full'), 'notes'), 'mine')
  for (const args of [
    ['push', '-q', 'localhost/app:1', 'dir:full'],
    ['save', '-q', '--format', 'docker-dir', '-o', 'full', 'localhost/app:1'],
  ]) {
    const { status, stderr } = await store.run(args)
    expect(status).toBe(125)
    expect(stderr).toContain("not a containers image directory, don't want to overwrite important data")
    expect(await readdir(at('full'))).toEqual(['notes'])
  }
})

test('push adds nothing to a docker archive that is there, and save -m takes one image in any format', async () => {
  await store.ok(['push', '-q', 'localhost/app:1', 'docker-archive:once.tar'])
  const { status, stderr } = await store.run(['push', '-q', 'localhost/app:1', 'docker-archive:once.tar'])
  expect(status).toBe(125)
  expect(stderr).toContain("docker-archive doesn't support modifying existing images")
  await store.ok(['save', '-q', '-m', '--format', 'oci-archive', '-o', 'single.tar', 'localhost/app:1'])
  const two = ['save', '-q', '-m', '--format', 'oci-archive', '-o', 'two.tar', 'localhost/app:1', 'localhost/app:2']
  expect((await store.run(two)).stderr).toContain('multi-image archives are docker archives')
})

test.each([
  ['docker-daemon:x:1', 'docker-daemon: is not supported'],
  ['sif:x', 'sif: is not supported'],
  ['oci:', 'needs a path'],
  ['oci:nosuch', 'no such file or directory'],
  ['docker-archive:nosuch', 'no such file or directory'],
])('%s is a clear error', async (name, message) => {
  const { status, stderr } = await store.run(['pull', name])
  expect(status).toBe(125)
  expect(stderr).toContain(message)
})

test('an image that an archive does not have is a clear error', async () => {
  await store.ok(['save', '-q', '-o', 'one.tar', 'localhost/app:1'])
  expect((await store.run(['pull', `docker-archive:${at('one.tar')}:other`])).stderr).toContain('has no image "other"')
  expect((await store.run(['pull', `docker-archive:${at('one.tar')}:@1`])).stderr).toContain('no image @1, only 1')
  expect(await store.ok(['pull', '-q', `docker-archive:${at('one.tar')}:@0`])).toBe(id)
})
