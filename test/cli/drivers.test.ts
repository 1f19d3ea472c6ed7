import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import { readTar } from '../helpers/read-tar.js'
import { explain, type Result, type TspodStore } from '../helpers/tspod.js'

/** What the rest of the tests sees with the driver that this host has, with each of them. */
describe.each(['overlay', 'fuse-overlayfs', 'copy'])('with the driver %s', (driver) => {
  let store: TspodStore
  let missing: boolean
  const forced = (...args: string[]): string[] => ['--storage-driver', driver, ...args]
  const run = (...args: string[]): Promise<Result> => store.run(forced(...args))
  const ok = (...args: string[]): Promise<string> => store.ok(forced(...args))

  beforeAll(async () => {
    store = await busyboxStore()
    missing = (await run('info')).status !== 0
  })
  afterAll(() => store[Symbol.asyncDispose]())
  beforeEach((context) => {
    if (missing) context.skip(`needs ${driver}`)
  })

  test('what cannot be mounted is told', async () => {
    const flags = ['run', '--rm', '--network', 'none']
    const device = await run(...flags, '--device', '/no/such/device', image, 'true')
    expect([device.status, device.stderr], explain(device)).toEqual([
      125,
      expect.stringMatching(/^Error: .*\/no\/such\/device.*no such file or directory\n$/),
    ])
    expect(await ok('ps', '-aq')).toBe('')
  })

  test('layers of a build hold what the steps have made, and nothing else', async () => {
    const context = join(store.folder, 'context')
    await mkdir(context, { recursive: true })
    await writeFile(join(context, 'file'), 'content\n')
    await writeFile(
      join(context, 'Dockerfile'),
      `FROM scratch AS files
COPY file /dir/file
FROM ${image} AS changed
COPY --from=files / /
RUN mkdir -p /made/deep && echo 1 >/made/deep/one && rm -r /home /dir/file && mkdir /home && echo 2 >/home/two
FROM ${image}
RUN --mount=from=changed,target=/from find /from/made /from/dir /from/home | sort >/list
COPY --from=changed /made /home /copied/
RUN find /copied | sort >>/list
`,
    )
    const archive = join(store.folder, 'files.tar')
    await ok('build', '-q', '--target', 'files', '-o', `type=tar,dest=${archive}`, context)
    expect((await readTar(archive)).map(({ path }) => path.replace(/\/$/, ''))).toEqual(['dir', 'dir/file'])
    await ok('build', '-q', '-t', 'localhost/built', context)
    const listed = await ok('run', '--rm', '--network', 'none', 'localhost/built', 'cat', '/list')
    expect(listed.split('\n')).toEqual([
      ...['/from/dir', '/from/home', '/from/home/two', '/from/made', '/from/made/deep', '/from/made/deep/one'],
      ...['/copied', '/copied/deep', '/copied/deep/one', '/copied/two'],
    ])
    const saved = join(store.folder, 'saved.tar')
    await ok('save', '-o', saved, 'localhost/built')
    await ok('rmi', '-f', 'localhost/built')
    await ok('load', '-q', '-i', saved)
    expect(await ok('run', '--rm', '--network', 'none', 'localhost/built', 'cat', '/list')).toBe(listed)
  })

  test('a command line that was run before runs again', async () => {
    const words = ['run', '--rm', '--network', 'none', image, 'echo', 'again']
    for (let count = 0; count < 3; count++) expect(await ok(...words)).toBe('again')
  })

  test('a container that has not been started yet has its image’s files, and no changes', async () => {
    await ok('create', '--name', 'fresh', '--network', 'none', image, 'true')
    expect(await ok('diff', 'fresh')).toBe('')
    await ok('commit', '-q', 'fresh', 'localhost/same')
    await ok('cp', 'fresh:/etc/passwd', join(store.folder, 'passwd'))
    expect(await ok('run', '--rm', '--network', 'none', 'localhost/same', 'cat', '/etc/passwd')).toBe(
      (await readFile(join(store.folder, 'passwd'), 'utf8')).trimEnd(),
    )
    await ok('start', '-a', 'fresh')
    await ok('rm', 'fresh')
  })

  test('a commit has what was replaced and removed', async () => {
    const script = 'rm -r /home /etc/passwd && mkdir -p /home/new /made/deep && echo 1 >/home/new/one'
    await ok('run', '--name', 'changing', '--network', 'none', image, 'sh', '-c', script)
    await ok('commit', '-q', 'changing', 'localhost/changed')
    await ok('rm', 'changing')
    const layers = JSON.parse(await ok('image', 'inspect', '--format', '{{json .RootFS.Layers}}', 'localhost/changed'))
    const blob = (layers as string[]).at(-1)?.replace('sha256:', '') ?? ''
    const paths = (await readTar(join(store.root, 'images', 'blobs', 'sha256', blob))).map(({ path }) => path)
    expect(paths.toSorted()).toEqual([...new Set(paths)].toSorted())
    expect(paths).toContain('etc/.wh.passwd')
    const look = 'find /home /made | sort; ls /etc | grep -c passwd; ls -a /made/deep | grep wh'
    expect((await run('run', '--rm', '--network', 'none', 'localhost/changed', 'sh', '-c', look)).stdout).toBe(
      '/home\n/home/new\n/home/new/one\n/made\n/made/deep\n0\n',
    )
  })
})
