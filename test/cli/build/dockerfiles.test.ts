import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aptRepository } from '../../helpers/base-images.js'
import { buildStore, type BuildStore } from '../../helpers/build.js'
import { hostArchitecture } from '../../helpers/images.js'
import { tarArchive } from '../../helpers/tar.js'

const run = promisify(execFile)

let store: BuildStore
let files: Map<string, Buffer>
let server: Server
let url: string

beforeAll(async () => {
  store = await buildStore()
  await store.needs('busybox')
  files = new Map()
  server = createServer((request, response) => {
    const content = files.get(new URL(request.url ?? '/', 'http://localhost').pathname)
    response.writeHead(content === undefined ? 404 : 200)
    response.end(content)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
})

afterAll(async () => {
  server.close()
  await store[Symbol.asyncDispose]()
})

/** Builds a fixture and gives what its image prints. */
async function built(name: string, args: readonly string[] = [], command: readonly string[] = []): Promise<string> {
  const tag = `localhost/test-${name}`
  await store.build(['-t', tag, ...args, await store.fixture(name)])
  return store.output(tag, ...command)
}

test('a Node application: multi-stage, a cache mount, an ignore file', async ({ skip }) => {
  if (!(await store.needs('node'))) skip('node is no program of its own here')
  expect(await built('node-app')).toBe('hello node production 1000')
  expect(await store.output('localhost/test-node-app', 'cat', '/test-report')).toBe('1 test passed')
})

test('a Debian package by apt from a local repository', async ({ skip }) => {
  if (!(await store.needs('debian'))) skip('this host has not dpkg and apt')
  const repository = join(store.tspod.folder, 'repository')
  await mkdir(repository)
  await aptRepository(repository)
  expect(await built('debian-apt', ['--build-context', `repository=${repository}`])).toBe('hello from a package')
  expect(await store.output('localhost/test-debian-apt', 'cat', '/installed')).toBe('greeter\t1.0')
})

test('a static C program on scratch, by a Containerfile', async ({ skip }) => {
  if (!(await store.needs('gcc'))) skip('this host has no gcc')
  expect(await built('static-c')).toBe('hello world')
  expect(await store.output('localhost/test-static-c', 'you')).toBe('hello you')
})

test('a Python virtual environment, without a network', async ({ skip }) => {
  if (!(await store.needs('python'))) skip('this host has no Python of Debian')
  expect(JSON.parse(await built('python-venv'))).toEqual({ prefix: '/opt/venv', message: 'hello from a venv' })
})

test('a git repository as the context, by HTTP', async ({ skip }) => {
  const repository = await store.fixture('git-context')
  const git = async (...args: string[]) =>
    run('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args])
  const there = await git('init', '-q', '-b', 'main').catch(() => undefined)
  if (there === undefined) skip('this host has no git')
  await git('add', '.')
  await git('commit', '-q', '-m', 'all')
  await git('update-server-info')
  await git('repack', '-a', '-d', '-q')
  await git('update-server-info')
  const { stdout } = await run('find', ['.git', '-type', 'f'], { cwd: repository })
  for (const file of stdout.trim().split('\n'))
    files.set(`/repo.git/${file.slice('.git/'.length)}`, await readFile(join(repository, file)))
  await store.build(['-t', 'localhost/test-git', `${url}/repo.git#main`])
  expect(await store.output('localhost/test-git')).toBe('hello from git')
})

test('a monorepo: --parents, --exclude, a named context, an ignore file of the Dockerfile', async () => {
  const [folder, shared] = [await store.fixture('monorepo'), await store.fixture('monorepo-shared')]
  await mkdir(join(folder, 'node_modules', 'x'), { recursive: true })
  await writeFile(join(folder, 'node_modules', 'x', 'index.js'), 'not copied')
  const dockerfile = join(folder, 'services', 'api', 'Dockerfile')
  await store.build(['-t', 'localhost/test-monorepo', '-f', dockerfile, '--build-context', `shared=${shared}`, folder])
  expect((await store.output('localhost/test-monorepo')).split('\n')).toEqual([
    './packages/core/index.js',
    './packages/core/package.json',
    './packages/ui/index.js',
    './packages/ui/package.json',
    './services/api/main.js',
    './shared/shared.js',
    'index.js',
    'package.json',
  ])
})

test('here-documents of RUN and COPY', async () => {
  expect((await built('heredocs', ['--build-arg', 'WHO=you'])).split('\n')).toEqual([
    'hello you',
    'two lines',
    '$WHO is not expanded',
    'from awk',
    'name=you',
    'tabs are gone',
    '$WHO stays',
  ])
})

test('ONBUILD in a base image', async () => {
  const folder = await store.fixture('onbuild')
  await store.build(['-t', 'localhost/onbuild', join(folder, 'base')])
  await store.build(['-t', 'localhost/test-onbuild', '--build-arg', 'MODE=debug', join(folder, 'app')])
  expect(await store.output('localhost/test-onbuild')).toBe('built the app for debug')
})

test('arguments of platforms, and a stage picked by one', async () => {
  const out = join(store.tspod.folder, 'arm')
  const folder = await store.fixture('multi-arch-args')
  await store.build(['--platform', 'linux/arm64', '-o', out, folder])
  expect(await readFile(join(out, 'args'), 'utf8')).toBe(
    `on linux/${hostArchitecture} for linux/arm64: linux arm64 none\n`,
  )
  expect(await readFile(join(out, 'kind'), 'utf8')).toBe('arm64\n')
})

test('cache mounts are kept between builds, and no part of the image', async () => {
  expect(await built('cache-mounts', ['--build-arg', 'ROUND=1'])).toBe('one 1\ntwo 1')
  expect(await built('cache-mounts', ['--build-arg', 'ROUND=2'])).toBe('one 1\ntwo 1\none 2\ntwo 2')
})

test('ADD of archives and URLs', async () => {
  const folder = await store.fixture('add-archives')
  const archive = tarArchive([
    { path: 'dir/', type: 'directory' },
    { path: 'dir/inside', content: 'x' },
  ])
  await writeFile(join(folder, 'local.tar.gz'), gzipSync(archive))
  files.set('/file.txt', Buffer.from('from a URL'))
  files.set('/remote.tar', archive)
  const sum = createHash('sha256').update(archive).digest('hex')
  const args = (digest: string) => ['--build-arg', `URL=${url}`, '--build-arg', `SUM=${digest}`]
  await store.build(['-t', 'localhost/test-add', ...args(sum), folder])
  expect((await store.output('localhost/test-add')).split('\n')).toEqual([
    '/kept/local.tar.gz',
    '/local/dir/inside',
    '/remote/file.txt',
    '/remote/remote.tar',
    '/unpacked/dir/inside',
    '-rw------- 1000 1000',
  ])
  const wrong = await store.tspod.run(['build', ...args('0'.repeat(64)), folder])
  expect(wrong.status).toBe(125)
  expect(wrong.stderr).toMatch(/Error: .*(?:digest|checksum)/)
})

test('users, owners and modes, and a working directory that is made', async () => {
  expect((await built('users')).split('\n')).toEqual([
    '/home/app/data/sub',
    '-rw-r----- 2000 2000 data.txt',
    '-rw-r--r-- 2000 2000 id',
    '-rw-r--r-- 2000 2000 own',
    '2000',
  ])
})

test('a working directory stays as it is written, and is read by name', async () => {
  const file =
    'FROM localhost/busybox\nWORKDIR /no/../made\nRUN pwd > at; ls -d /no || echo none >> at\nCMD cat at; pwd\n'
  await store.build(['-t', 'localhost/test-workdir', '-'], { input: file })
  expect(await store.output('localhost/test-workdir')).toBe('/made\nnone\n/made')
  const kept = await store.tspod.ok(['inspect', '--format', '{{.Config.WorkingDir}}', 'localhost/test-workdir'])
  expect(kept.trim()).toBe('/no/../made')
})

test('what a service declares, in Docker form', async () => {
  await store.build(['--format', 'docker', '-t', 'localhost/test-service', await store.fixture('service')])
  const [image] = JSON.parse(await store.tspod.ok(['image', 'inspect', 'localhost/test-service'])) as [
    { Config: Record<string, unknown> },
  ]
  expect(image.Config).toMatchObject({
    ExposedPorts: { '80/tcp': {}, '8443/tcp': {}, '53/udp': {} },
    StopSignal: 'SIGQUIT',
    Volumes: { '/data': {}, '/var/cache': {} },
    WorkingDir: '/www',
    Entrypoint: ['httpd'],
    Cmd: ['-f', '-p', '80'],
    Labels: { 'org.opencontainers.image.title': 'A service', version: '1', maintainer: 'test' },
    Healthcheck: {
      Test: ['CMD-SHELL', 'wget -qO- http://localhost/ || exit 1'],
      Interval: 30e9,
      Timeout: 3e9,
      StartPeriod: 5e9,
      StartInterval: 1e9,
      Retries: 2,
    },
  })
  const list = ['run', '--rm', '--network', 'none', '--entrypoint', 'ls', 'localhost/test-service', '/www']
  expect(await store.tspod.ok(list)).toBe('index.html\nkeep.html')
})

test('variables with all operators', async () => {
  expect((await built('expansion', ['--build-arg', 'SET=given'])).split('\n').sort()).toEqual(
    [
      'DEFAULT=default',
      'ALT=alternative',
      'NONE=',
      'DASH=',
      'SUFFIX=archive.tar',
      'LONGEST=archive',
      'PREFIX=tar.gz',
      'REST=gz',
      'ONE=Archive.tar.gz',
      'ALL=Archive.tAr.gz',
      'ESCAPED=$SET',
      'QUOTED=$SET',
      'DOUBLE=given and "more"',
      'A=2',
      'B=',
      'C=1',
    ].sort(),
  )
})

describe('stages', () => {
  test('by name and number; what is not needed is not built', async () => {
    expect(await built('stages', ['--target', 'final'])).toBe('zero\nnamed\nzero\nnamed\nnamed')
  })

  test('are the last one without --target, and a number is a target, too', async () => {
    const folder = await store.fixture('stages')
    expect((await store.tspod.run(['build', folder])).status).toBe(43)
    await store.build(['-t', 'localhost/test-zero', '--target', '0', folder])
    expect(await store.output('localhost/test-zero', 'cat', '/0')).toBe('zero')
  })

  test('that are unused are built when that is asked for', async () => {
    const result = await store.tspod.run([
      'build',
      '--skip-unused-stages=false',
      '--target',
      'final',
      await store.fixture('stages'),
    ])
    expect(result.status).toBe(42)
  })
})

test('SHELL, exec form, and a backtick as the escape', async () => {
  expect((await built('shells')).split('\n')).toEqual(['one', 'a\\b', 'name  "two"', 'pipefail', 'tabs and spaces'])
})

test('bind and tmpfs mounts, whose writes are gone', async () => {
  expect(await built('mounts')).toBe('tool some input')
})

test('a program on scratch with a user by name', async ({ skip }) => {
  if (!(await store.needs('gcc'))) skip('this host has no gcc')
  await store.build(['-t', 'localhost/test-distroless', '--build-arg', 'VERSION=2', await store.fixture('distroless')])
  const result = await store.tspod.run(['run', '--rm', '--network', 'none', 'localhost/test-distroless'])
  expect(result.stdout).toMatch(/^app-2 (?:\/usr\/local\/sbin:|no path)/)
  expect(result.status).toBe(3)
})

test('networks of steps, and proxies that are passed to them but not kept', async () => {
  const env = { HTTP_PROXY: 'http://proxy:1', no_proxy: 'local' }
  const folder = await store.fixture('proxy-and-network')
  await store.build(['-t', 'localhost/test-proxy', '--network', 'none', '--add-host', 'special:10.0.0.1', folder], {
    env,
  })
  expect((await store.output('localhost/test-proxy')).split('\n')).toEqual(['1', 'http://proxy:1 local', '1', '0'])
})

test('a Dockerfile on the standard input, and one that comes by URL', async () => {
  const text = 'FROM localhost/busybox\nCOPY message /\nCMD ["cat", "/message"]\n'
  const folder = await store.fixture('git-context')
  await store.build(['-t', 'localhost/test-stdin', '-f', '-', folder], { input: text })
  expect(await store.output('localhost/test-stdin')).toBe('hello from git')
  files.set('/Dockerfile', Buffer.from(`${text}LABEL by=url\n`))
  await store.build(['-t', 'localhost/test-url', '-f', `${url}/Dockerfile`, folder])
  expect(await store.output('localhost/test-url')).toBe('hello from git')
})

test('a context as an archive on the standard input, and by URL', async () => {
  const archive = tarArchive([
    { path: 'Dockerfile', content: 'FROM localhost/busybox\nCOPY . /context\nCMD ["ls", "/context"]\n' },
    { path: '.dockerignore', content: '.dockerignore\n*.log\n' },
    { path: 'a.log', content: 'x' },
    { path: 'b.txt', content: 'x' },
  ])
  await store.build(['-t', 'localhost/test-tar', '-'], { input: gzipSync(archive) })
  expect(await store.output('localhost/test-tar')).toBe('Dockerfile\nb.txt')
  files.set('/context.tar', archive)
  await store.build(['-t', 'localhost/test-tar-url', `${url}/context.tar`])
  expect(await store.output('localhost/test-tar-url')).toBe('Dockerfile\nb.txt')
})

test('a Dockerfile alone on the standard input', async () => {
  await store.build(['-t', 'localhost/test-alone', '-'], { input: 'FROM localhost/busybox\nCMD ["echo", "alone"]\n' })
  expect(await store.output('localhost/test-alone')).toBe('alone')
})

test('several Dockerfiles, put together', async () => {
  const folder = join(store.tspod.folder, 'several')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'one'), 'FROM localhost/busybox\nRUN echo one > /one\n')
  await writeFile(join(folder, 'two'), 'RUN echo two >> /one\nCMD ["cat", "/one"]\n')
  const paths = ['one', 'two'].flatMap((name) => ['-f', join(folder, name)])
  await store.build(['-t', 'localhost/test-several', ...paths, folder])
  expect(await store.output('localhost/test-several')).toBe('one\ntwo')
  await rm(folder, { recursive: true })
})
