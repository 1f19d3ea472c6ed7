import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Descriptor, ImageIndex, ImageManifest } from '../../../src/oci/image-spec.js'
import { buildStore, type BuildStore } from '../../helpers/build.js'
import { blobPath, hostArchitecture } from '../../helpers/images.js'
import { readTar } from '../../helpers/read-tar.js'
import { startRegistry } from '../../helpers/registry-process.js'
import { tarArchive } from '../../helpers/tar.js'

const run = promisify(execFile)
let store: BuildStore
let context: string
let out: string

beforeAll(async () => {
  store = await buildStore()
  await store.needs('busybox')
  context = join(store.tspod.folder, 'plain')
  out = join(store.tspod.folder, 'out')
  await mkdir(context)
  await mkdir(out)
  await writeFile(join(context, 'file'), 'content\n')
  await writeFile(
    join(context, 'Dockerfile'),
    'FROM scratch AS files\nCOPY file /dir/file\nFROM localhost/busybox\nARG TARGETARCH\nCOPY --from=files / /\nENV ARCH=$TARGETARCH\nRUN echo $ARCH > /arch\nCMD ["cat", "/dir/file"]\n',
  )
})

afterAll(() => store[Symbol.asyncDispose]())

const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8')) as unknown

/** What attestations say lies beside the files that they are about, in a folder and in an archive. */
async function lieBesideFiles(sbom: readonly string[]): Promise<void> {
  const content = createHash('sha256').update('content\n').digest('hex')
  const folder = join(out, 'attested')
  const flags = ['--provenance=mode=max,version=v0.2,filename=how.json', ...sbom]
  await store.build([...flags, '-o', `type=local,dest=${folder},attestation-prefix=x-`, context])
  for (const name of ['x-how.json', 'x-one.spdx.json'])
    expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600)
  expect(await json(join(folder, 'x-how.json'))).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'https://slsa.dev/provenance/v0.2',
    subject: expect.arrayContaining([{ name: 'dir/file', digest: { sha256: content } }]) as unknown,
    predicate: { invocation: { configSource: { entryPoint: 'Dockerfile' } } },
  })
  expect(await json(join(folder, 'x-one.spdx.json'))).toMatchObject({
    predicateType: 'https://spdx.dev/Document',
    predicate: { name: 'content' },
    subject: expect.arrayContaining([{ name: 'dir/file', digest: { sha256: content } }]) as unknown,
  })
  const archive = join(out, 'attested.tar')
  const names = async (): Promise<string[]> =>
    (await readTar(archive)).map(({ path }) => path.replace(/^\.\//, '')).filter((path) => path.endsWith('.json'))
  await store.build([...flags, '-o', `type=tar,dest=${archive}`, context])
  expect((await names()).sort()).toEqual(['how.json', 'one.spdx.json'])
  await store.build(['--provenance=inline-only=true', '-o', `type=tar,dest=${archive}`, context])
  expect(await names()).toEqual([])
}

describe('--output', () => {
  test('local: the files', async () => {
    const folder = join(out, 'local')
    expect(await store.build(['--target', 'files', '-o', folder, context])).toBe('')
    expect(await readFile(join(folder, 'dir', 'file'), 'utf8')).toBe('content\n')
    expect(await readdir(folder)).toEqual(['dir'])
  })

  test('local: folders that their owner has shut, the root among them', async () => {
    const shut = tarArchive([
      { path: './', type: 'directory', mode: 0o600, uid: 1000, gid: 1000 },
      { path: 'dir/', type: 'directory', mode: 0o600, uid: 1000, gid: 1000 },
      { path: 'dir/file', content: 'content\n' },
    ])
    await store.tspod.ok(['import', '-q', '-', 'localhost/shut'], { input: shut })
    const folder = join(out, 'shut')
    await store.build(['-o', folder, '-'], { input: 'FROM localhost/shut\n' })
    expect((await stat(join(folder, 'dir'))).mode & 0o777).toBe(0o600)
    await chmod(join(folder, 'dir'), 0o700)
    expect(await readFile(join(folder, 'dir', 'file'), 'utf8')).toBe('content\n')
  })

  test('tar: the files as an archive, in a file or on the standard output', async () => {
    const path = join(out, 'files.tar')
    await store.build(['--target', 'files', '-o', `type=tar,dest=${path}`, context])
    const names = async (file: string) =>
      (await readTar(file))
        .map((entry) => entry.path.replace(/^\.?\//, '').replace(/\/$/, ''))
        .filter((name) => name !== '')
    expect(await names(path)).toEqual(['dir', 'dir/file'])
    const child = store.tspod.start(['build', '--target', 'files', '-o', '-', context], ['ignore', 'pipe', 'ignore'])
    const chunks: Buffer[] = []
    for await (const chunk of child.stdout ?? []) chunks.push(chunk as Buffer)
    await writeFile(`${path}.stdout`, Buffer.concat(chunks))
    expect(await names(`${path}.stdout`)).toEqual(['dir', 'dir/file'])
  })

  test.each([
    ['oci', 'oci-archive'],
    ['docker', 'docker-archive'],
  ])('%s: an archive that skopeo reads, and that runs when it is loaded', async (type, transport) => {
    const path = join(out, `${type}.tar`)
    await store.build(['-t', 'localhost/archived:1', '-o', `type=${type},dest=${path}`, context])
    const { stdout } = await run('skopeo', ['inspect', '--config', `${transport}:${path}`])
    expect(JSON.parse(stdout)).toMatchObject({
      os: 'linux',
      architecture: hostArchitecture,
      config: { Cmd: ['cat', '/dir/file'] },
    })
    await store.tspod.run(['rmi', '--force', 'localhost/archived:1'])
    await store.tspod.ok(['load', '-i', path])
    expect(await store.output('localhost/archived:1')).toBe('content')
  })

  test('oci, tar=false: a folder', async () => {
    const folder = join(out, 'layout')
    await store.build(['-o', `type=oci,tar=false,dest=${folder}`, context])
    await run('skopeo', ['inspect', `oci:${folder}`])
  })

  test('registry, and --push: skopeo finds it there', async () => {
    await using registry = await startRegistry()
    await store.build(['-o', `type=registry,name=${registry.host}/app:1`, context])
    await store.build(['-t', `${registry.host}/app:2`, '--push', context])
    await store.build(['--provenance=true', '-t', `${registry.host}/app:3`, '--push', context])
    const raw = ['inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/app:3`]
    const { manifests } = JSON.parse((await run('skopeo', raw)).stdout) as ImageIndex
    expect(manifests.map(({ platform }) => platform?.architecture)).toEqual([hostArchitecture, 'unknown'])
    for (const tag of ['1', '2']) {
      const { stdout } = await run('skopeo', [
        'inspect',
        '--config',
        '--tls-verify=false',
        `docker://${registry.host}/app:${tag}`,
      ])
      expect(JSON.parse(stdout)).toMatchObject({ config: { Cmd: ['cat', '/dir/file'] } })
    }
  })

  test('several at once', async () => {
    const folder = join(out, 'both')
    const outputs = ['-o', folder, '-o', 'type=image,name=localhost/both']
    await store.build(['--target', 'files', ...outputs, context])
    expect(await readFile(join(folder, 'dir', 'file'), 'utf8')).toBe('content\n')
    await store.tspod.ok(['image', 'exists', 'localhost/both'])
  })
})

describe('the result', () => {
  test('is printed, and written by --iidfile and --metadata-file', async () => {
    const [iid, metadata] = [join(out, 'iid'), join(out, 'metadata.json')]
    const id = await store.build([
      '-t',
      'localhost/a',
      '-t',
      'localhost/b:2',
      '--iidfile',
      iid,
      '--metadata-file',
      metadata,
      context,
    ])
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(await readFile(iid, 'utf8')).toBe(`sha256:${id}`)
    for (const name of ['localhost/a', 'localhost/b:2'])
      expect(await store.tspod.ok(['image', 'inspect', '--format', '{{.Id}}', name])).toBe(id)
    const digest = await store.tspod.ok(['image', 'inspect', '--format', '{{.Digest}}', 'localhost/a'])
    expect(await json(metadata)).toMatchObject({
      'containerimage.digest': digest,
      'containerimage.config.digest': `sha256:${id}`,
      'image.name': 'localhost/a:latest,localhost/b:2',
    })
  })

  test('of a second build is the first one’s, from the cache', async () => {
    const first = await store.build([context])
    const second = await store.tspod.run(['build', '--progress', 'plain', context])
    expect(second.stdout.trim()).toBe(first)
    expect(second.stderr.match(/ CACHED$/gm)?.length).toBeGreaterThanOrEqual(3)
    expect(second.stderr).not.toMatch(/RUN[^]*DONE[^]*exporting/)
  })

  test('has the labels, annotations and variables that were asked for', async () => {
    const layout = join(out, 'labelled')
    const flags = [
      '--label',
      'a=1',
      '--annotation',
      'b=2',
      '--env',
      'C=3',
      '--unsetenv',
      'ARCH',
      '--identity-label=false',
    ]
    await store.build([...flags, '-o', `type=oci,tar=false,dest=${layout}`, context])
    const index = (await json(join(layout, 'index.json'))) as ImageIndex
    const manifest = (await json(blobPath(layout, index.manifests[0]?.digest ?? ''))) as ImageManifest
    expect(manifest.annotations).toMatchObject({ b: '2' })
    const config = (await json(blobPath(layout, manifest.config.digest))) as {
      config: { Env: string[]; Labels: object }
    }
    expect(config.config.Labels).toEqual({ a: '1' })
    expect(config.config.Env).toContain('C=3')
    expect(config.config.Env.filter((variable) => variable.startsWith('ARCH='))).toEqual([])
  })

  test('has variables of --env as if ENV set them below FROM', async () => {
    await writeFile(join(context, 'Env'), 'FROM localhost/busybox\nENV A=file\nRUN echo "$A $B" > /seen\n')
    const flags = ['--env', 'A=flag', '--env', 'B=$flag', '-t', 'localhost/env', '-f', join(context, 'Env')]
    await store.build([...flags, context])
    expect(await store.output('localhost/env', 'cat', '/seen')).toBe('file $flag')
  })

  test('of several platforms is a manifest list, also one that is there already', async () => {
    const text = 'FROM scratch\nARG TARGETARCH\nCOPY file /file\nENV ARCH=$TARGETARCH\n'
    await writeFile(join(context, 'Multi'), text)
    const build = (...args: string[]) => store.build([...args, '-f', join(context, 'Multi'), context])
    await build('--platform', 'linux/amd64,linux/arm64', '-t', 'localhost/multi')
    await build('--platform', 'linux/riscv64', '--manifest', 'localhost/multi')
    const list = JSON.parse(await store.tspod.ok(['manifest', 'inspect', 'localhost/multi'])) as ImageIndex
    expect(list.manifests.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64', 'riscv64'])
    const since = await store.tspod.ok(['images', '--format', '{{.CreatedSince}}', 'localhost/multi'])
    expect(since).not.toMatch(/\d{4} years/)
    const layout = join(out, 'multi')
    await build('--platform', 'linux/amd64,linux/arm64', '-o', `type=oci,tar=false,dest=${layout}`)
    for (const arch of ['amd64', 'arm64']) {
      const { stdout } = await run('skopeo', ['--override-arch', arch, 'inspect', '--config', `oci:${layout}`])
      expect(JSON.parse(stdout)).toMatchObject({
        architecture: arch,
        config: { Env: expect.arrayContaining([`ARCH=${arch}`]) as unknown },
      })
    }
  })

  test('is the same at any time, of any store, with --timestamp', async () => {
    const build = (...args: string[]) => store.build(['--no-cache', ...args, '--timestamp', '1000', context])
    const first = await build()
    await writeFile(join(context, 'file'), 'content\n')
    expect(await build()).toBe(first)
    const created = await store.tspod.ok(['image', 'inspect', '--format', '{{.Created}}', first])
    expect(created).toContain('1970-01-01')
  })

  test('of --verify is the same twice, or the difference is told', async () => {
    const same = await store.tspod.run(['build', '--verify', context])
    expect(same.stderr).toMatch(/Built twice: the results are the same\.\n$/)
    expect(same.status).toBe(0)
    await writeFile(join(context, 'Random'), 'FROM localhost/busybox\nRUN head -c 16 /dev/urandom > /random\n')
    const differs = await store.tspod.run(['build', '--verify', '-f', join(context, 'Random'), context])
    expect(differs.status).toBe(1)
    expect(differs.stderr).toMatch(/the results differ\.\nRUN .*head .*: its layer differs at \/?random/)
  })

  test('is one layer by --squash, and one in all by --squash-all', async () => {
    const layers = async (...args: string[]) => {
      const id = await store.build([...args, context])
      return Number(await store.tspod.ok(['image', 'inspect', '--format', '{{len .RootFS.Layers}}', id]))
    }
    expect([await layers(), await layers('--squash'), await layers('--squash-all')]).toEqual([3, 2, 1])
  })
})

describe('attestations', () => {
  const attached = async (
    layout: string,
  ): Promise<{ descriptor: Descriptor; statements: Record<string, unknown>[] }> => {
    const top = ((await json(join(layout, 'index.json'))) as ImageIndex).manifests[0]
    const index = (await json(blobPath(layout, top?.digest ?? ''))) as ImageIndex
    const descriptor = index.manifests.find(
      ({ annotations }) => annotations?.['vnd.docker.reference.type'] === 'attestation-manifest',
    )
    if (descriptor === undefined) throw new Error(`no attestation in ${JSON.stringify(index)}`)
    const manifest = (await json(blobPath(layout, descriptor.digest))) as ImageManifest
    const statements = await Promise.all(manifest.layers.map(({ digest }) => json(blobPath(layout, digest))))
    return { descriptor, statements: statements as Record<string, unknown>[] }
  }

  test('--provenance says how the image was built, in an index beside it', async () => {
    const layout = join(out, 'provenance')
    await store.build([
      '--provenance',
      'mode=max',
      '--build-arg',
      'TARGETARCH=x',
      '-o',
      `type=oci,tar=false,dest=${layout}`,
      context,
    ])
    const { descriptor, statements } = await attached(layout)
    expect(descriptor.platform).toEqual({ architecture: 'unknown', os: 'unknown' })
    expect(statements).toEqual([
      expect.objectContaining({
        _type: expect.stringMatching(/^https:\/\/in-toto\.io\/Statement\//) as unknown,
        predicateType: expect.stringMatching(/^https:\/\/slsa\.dev\/provenance\//) as unknown,
      }),
    ])
  })

  test('of an image in the store stay with it, whatever is cleared up', async () => {
    await store.build(['--provenance=true', '-t', 'localhost/attested', context])
    await store.tspod.ok(['image', 'prune', '--force'])
    await store.tspod.ok(['build', 'prune', '--all', '--force'])
    expect(await store.tspod.ok(['system', 'df'])).toContain('Images')
    expect(await store.output('localhost/attested')).toBe('content')
    const { manifests } = JSON.parse(await store.tspod.ok(['manifest', 'inspect', 'localhost/attested'])) as ImageIndex
    await using registry = await startRegistry()
    await store.tspod.ok(['manifest', 'push', 'localhost/attested', `docker://${registry.host}/attested`])
    expect(manifests).toHaveLength(2)
  })

  test('--sbom has what a scanner image says', async () => {
    // The protocol: the image's files are below $BUILDKIT_SCAN_SOURCE, documents go to $BUILDKIT_SCAN_DESTINATION.
    const scanner = join(store.tspod.folder, 'scanner')
    await mkdir(scanner)
    await writeFile(
      join(scanner, 'Dockerfile'),
      `FROM localhost/busybox
COPY <<EOF /scan.sh
#!/bin/sh
printf '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"spdxVersion":"SPDX-2.3","name":"%s"}}' "\\$(cat \\$BUILDKIT_SCAN_SOURCE/dir/file)" > \\$BUILDKIT_SCAN_DESTINATION/one.spdx.json
EOF
ENTRYPOINT ["sh", "/scan.sh"]
`,
    )
    await store.build(['-t', 'localhost/scanner', scanner])
    const layout = join(out, 'sbom')
    await store.build(['--sbom', 'generator=localhost/scanner', '-o', `type=oci,tar=false,dest=${layout}`, context])
    await lieBesideFiles(['--sbom', 'generator=localhost/scanner'])
    const { statements } = await attached(layout)
    expect(statements).toEqual([
      expect.objectContaining({
        predicateType: 'https://spdx.dev/Document',
        predicate: expect.objectContaining({ name: 'content' }) as unknown,
      }),
    ])
  })
})
