import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildRequest, type BuildCaller, type BuildFlags } from '../../../../src/cli/build/request.js'
import { buildFlags } from '../../../../src/cli/flags/build.js'
import { parseCommandLine } from '../../../../src/cli/parse-command-line.js'
import type { BuildOptions } from '../../../../src/index.js'

const stdin = [Buffer.from('the input')]
const writer = () => Promise.resolve()

async function requestOf(words: readonly string[], env: BuildCaller['env'] = {}): Promise<BuildOptions> {
  const { flags, argv, given } = await parseCommandLine(words, { flags: buildFlags, strict: false }, {})
  return buildRequest(flags as unknown as BuildFlags, argv, {
    env,
    given: (flag) => given.has(flag),
    input: {
      bytes: async function* () {
        yield* stdin
      },
      text: () => Promise.resolve('FROM scratch\n'),
    },
    output: () => writer,
  })
}

test.each<[string, Partial<BuildOptions>]>([
  ['', { context: '.' }],
  ['dir', { context: 'dir' }],
  ['https://host/repo.git#main:sub', { context: 'https://host/repo.git#main:sub' }],
  ['-f /a/b/Dockerfile', { context: '/a/b', files: ['/a/b/Dockerfile'] }],
  ['-f - .', { context: '.', files: [{ name: '<stdin>', text: 'FROM scratch\n' }] }],
  ['-f https://host/Dockerfile -f x/y .', { context: '.', files: ['https://host/Dockerfile', 'x/y'] }],
  ['-f https://host/Dockerfile', { context: '.', files: ['https://host/Dockerfile'] }],
  ['-t a -t b:c --target x .', { tags: ['a', 'b:c'], target: 'x' }],
  ['--build-arg A=1 --build-arg HOME --build-arg NONE .', { buildArgs: { A: '1', HOME: '/home/u' } }],
  ['--build-arg A=--privileged .', { buildArgs: { A: '--privileged' } }],
  ['--build-context src=../src .', { contexts: { src: '../src' } }],
  ['--ignorefile i .', { ignoreFile: resolve('i') }],
  [
    '--secret id=a,src=/s --secret id=b,env=B .',
    { secrets: [secret('a', '/s'), { id: 'b', source: { type: 'env', name: 'B' } }] },
  ],
  [
    '--ssh default --ssh key=/k .',
    {
      ssh: [
        { id: 'default', paths: [] },
        { id: 'key', paths: ['/k'] },
      ],
    },
  ],
  ['--platform linux/amd64,linux/arm/v7 .', { platforms: [linux('amd64'), { ...linux('arm'), variant: 'v7' }] }],
  ['--arch aarch64 .', { platforms: [{ architecture: 'arm64' }] }],
  ['--pull .', { pull: 'always' }],
  ['--pull=newer .', { pull: 'newer' }],
  ['--pull=true .', { pull: 'always' }],
  ['--pull=false .', { pull: 'missing' }],
  [
    '--label a=1 --label b --annotation c=2 --annotation manifest:d=3 .',
    { labels: { a: '1', b: '' }, annotations: { c: '2', d: '3' } },
  ],
  [
    '--env A=1 --env HOME --unsetenv B,C --unsetlabel D .',
    { env: { A: '1', HOME: '/home/u' }, unsetEnv: ['B', 'C'], unsetLabels: ['D'] },
  ],
  ['--identity-label=false --format docker --manifest m .', { identityLabel: false, format: 'docker', manifest: 'm' }],
  [
    '--squash --squash-all --layers=false --no-cache .',
    { squash: true, squashAll: true, layers: false, noCache: true },
  ],
  ['--timestamp 0 .', { timestamp: 0 }],
  ['--source-date-epoch 7 --rewrite-timestamp .', { sourceDateEpoch: 7, rewriteTimestamp: true }],
  ['--no-cache-filter a,b --cache-ttl 1h30m --jobs 0 .', { noCacheFilter: ['a', 'b'], cacheTtlSeconds: 5400, jobs: 0 }],
  [
    '--cache-from host/x --cache-to type=local,dest=/c .',
    { cacheFrom: [{ type: 'registry', reference: 'host/x' }], cacheTo: [{ type: 'local', path: '/c' }] },
  ],
  ['-o /out .', { outputs: [{ type: 'local', path: '/out' }] }],
  ['-o - .', { outputs: [{ type: 'tar', target: writer }] }],
  ['-o type=oci,dest=- .', { outputs: [{ type: 'oci', target: writer }] }],
  ['-t a --push .', { tags: ['a'], outputs: [{ type: 'registry', names: [] }] }],
  [
    '-o type=image,name=a,push=true,rewrite-timestamp=true,annotation.k=v .',
    { outputs: [{ type: 'image', names: ['a'], push: true }], rewriteTimestamp: true, annotations: { k: 'v' } },
  ],
  ['--iidfile i --metadata-file m .', { iidFile: resolve('i'), metadataFile: resolve('m') }],
  ['--provenance=mode=max --sbom=true .', { provenance: { mode: 'max' }, sbom: {} }],
  [
    '--attest type=provenance --attest type=sbom,generator=img,K=V .',
    { provenance: { mode: 'min' }, sbom: { scanner: 'img', args: { K: 'V' } } },
  ],
  ['--attest type=provenance,mode=max --provenance=false --sbom false .', {}],
  ['--network none .', { network: { mode: 'none' } }],
  ['--network default .', {}],
  [
    '-v /a:/b:ro --shm-size 1m --ulimit nofile=5 .',
    {
      volumes: [{ source: '/a', target: '/b', options: ['ro'] }],
      shmSize: 1048576,
      ulimits: [{ name: 'nofile', soft: 5, hard: 5 }],
    },
  ],
  [
    '--cap-add chown --cap-drop ALL --security-opt no-new-privileges .',
    { capAdd: ['CAP_CHOWN'], capDrop: ['ALL'], security: { noNewPrivileges: true } },
  ],
  [
    '-m 64m --cpus 2 --pids-limit 0 --cgroup-parent /x .',
    { resources: { memory: 67108864, cpus: 2, pidsLimit: -1 }, cgroupParent: '/x' },
  ],
  ['--add-host a:1.2.3.4 --dns 1.1.1.1 .', { addHost: [{ name: 'a', address: '1.2.3.4' }], dns: ['1.1.1.1'] }],
  ['--allow network.host,security.insecure .', { entitlements: ['network.host', 'security.insecure'] }],
  ['--isolation chroot --http-proxy=false .', { isolation: 'chroot', httpProxy: false }],
  ['--creds u:p --tls-verify=false --retry 5 .', { creds: 'u:p', tlsVerify: false, retries: 5 }],
  ['--rm --force-rm --compress -D --load --builder default .', {}],
])('build %s', async (line, expected) => {
  const words = line.split(' ').filter((word) => word !== '')
  expect(await requestOf(words, { HOME: '/home/u' })).toEqual({ context: '.', ...expected })
})

function secret(id: string, path: string) {
  return { id, source: { type: 'file', path } as const }
}

function linux(architecture: string) {
  return { os: 'linux', architecture }
}

test.each<[string, string]>([
  ['-f - -', 'the standard input cannot be read twice'],
  ['-f - -f - .', 'the standard input cannot be read twice'],
  ['-o - -o type=oci,dest=- .', 'only one output can go to the standard output'],
  ['--push .', '--push needs a name: --tag'],
  ['--timestamp 1 --source-date-epoch 2 .', 'cannot be used together'],
  ['--network container:x .', 'a step cannot join the network of a container'],
  ['-v data:/data .', 'the volume on "/data" is no folder of the host'],
  ['--platform linux/amd64 --arch arm64 .', '--platform cannot be used together with --os, --arch or --variant'],
  ['--annotation index:a=b .', 'annotations of "index" are not supported'],
  ['--from x .', '--from is not supported: another base image by flag'],
  ['--allow devices .', 'choose one of network.host, security.insecure'],
  ['--progress fancy .', 'choose one of auto, plain, tty, rawjson, quiet'],
  ['--timestamp now .', 'is not a whole number'],
  ['--cache-ttl soon .', 'is not a duration'],
  ['--build-context src .', 'must be in the format KEY=VALUE'],
])('refuses build %s', async (line, message) => {
  await expect(requestOf(line.split(' '))).rejects.toThrow(message)
})

describe('the environment', () => {
  test('gives SOURCE_DATE_EPOCH, BUILDAH_FORMAT and BUILDAH_LAYERS', async () => {
    const env = { SOURCE_DATE_EPOCH: '12', BUILDAH_FORMAT: 'docker', BUILDAH_LAYERS: 'false' }
    expect(await requestOf(['.'], env)).toEqual({ context: '.', sourceDateEpoch: 12, format: 'docker', layers: false })
    expect(await requestOf(['--timestamp=1', '--format=oci', '--layers', '.'], env)).toEqual({
      context: '.',
      timestamp: 1,
      format: 'oci',
    })
  })

  test('is told when it makes no sense', async () => {
    await expect(requestOf(['.'], { SOURCE_DATE_EPOCH: 'x' })).rejects.toThrow('SOURCE_DATE_EPOCH "x"')
    await expect(requestOf(['.'], { BUILDAH_FORMAT: 'x' })).rejects.toThrow('BUILDAH_FORMAT "x"')
  })
})

test('ARGs are read from files before those of the command line', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'tspod-test-')), 'args')
  writeFileSync(path, '# comment\nA=1\nB=2\n')
  expect(await requestOf(['--build-arg', 'B=3', '--build-arg-file', path, '.'])).toEqual({
    context: '.',
    buildArgs: { A: '1', B: '3' },
  })
})

test('the standard input is the context, as bytes', async () => {
  const { context } = await requestOf(['-'])
  const chunks: Uint8Array[] = []
  if (typeof context === 'object') for await (const chunk of context) chunks.push(chunk)
  expect(Buffer.concat(chunks).toString()).toBe('the input')
})
