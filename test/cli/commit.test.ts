import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { readTar } from '../helpers/read-tar.js'
import { explain, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore

const script = 'echo new > /new && rm /etc/group && mkdir /own && chown 7:8 /own && chmod 2750 /own'

beforeAll(async () => {
  tspod = await busyboxStore()
  const options = ['-e', 'A=b', '-w', '/tmp', '-l', 'x=y', '--expose', '80', '-v', 'data:/data', '-u', '0:0']
  await tspod.ok(['run', '--name', 'base', ...options, image, 'sh', '-ec', `${script}; echo > /data/f`])
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

interface Inspected {
  readonly Id: string
  readonly Config: Record<string, unknown>
  readonly History: readonly Record<string, unknown>[]
  readonly RootFS: { readonly Layers: readonly string[] }
  readonly Author: string
  readonly ManifestType: string
}

async function inspect(name: string): Promise<Inspected> {
  const [found] = JSON.parse(await tspod.ok(['image', 'inspect', name])) as Inspected[]
  if (found === undefined) throw new Error(`no image ${name}`)
  return found
}

describe('commit', () => {
  test('adds one layer, with what the container has changed and nothing that was mounted', async () => {
    const id = await tspod.ok(['commit', 'base', 'committed'])
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    const committed = await inspect('committed')
    expect(committed.Id).toBe(id)
    const before = await inspect(image)
    expect(committed.RootFS.Layers.slice(0, -1)).toEqual(before.RootFS.Layers)
    const check = 'cat /new; stat -c "%u:%g %a" /own; ls /etc/group 2>/dev/null || echo gone; ls -A /data | wc -l'
    expect(await tspod.ok(['run', '--rm', '-u', '0', 'committed', 'sh', '-c', check])).toBe('new\n7:8 2750\ngone\n0')
  })

  test('starts containers as this one was started', async () => {
    await tspod.ok(['commit', 'base', 'as-before'])
    expect((await inspect('as-before')).Config).toMatchObject({
      Cmd: ['sh', '-ec', `${script}; echo > /data/f`],
      WorkingDir: '/tmp',
      User: '0:0',
      Labels: { x: 'y' },
      ExposedPorts: { '80/tcp': {} },
    })
    expect((await inspect('as-before')).Config['Env']).toContain('A=b')
    expect(await tspod.ok(['run', '--rm', 'as-before', 'sh', '-c', 'echo $A $PWD'])).toBe('b /tmp')
  })

  test('with changes, author, message, volumes and a file for the ID', async () => {
    const file = join(tspod.folder, 'iid')
    const changes = ['--change', 'CMD ["echo", "changed"]', '-c', 'ENV C=d', '-c', 'VOLUME /more']
    const id = await tspod.ok([
      'commit',
      '-q',
      ...changes,
      '--author',
      'me',
      '-m',
      'why',
      '--include-volumes',
      '--iidfile',
      file,
      'base',
      'full',
    ])
    expect(readFileSync(file, 'utf8')).toBe(id)
    const full = await inspect('full')
    expect(full.Config).toMatchObject({ Volumes: { '/more': {}, '/data': {} }, Cmd: ['echo', 'changed'] })
    expect(full.Author).toBe('me')
    expect(full.History.at(-1)).toMatchObject({ author: 'me', comment: 'why' })
    expect(await tspod.ok(['run', '--rm', 'full'])).toBe('changed')
  })

  test('squashed, has one layer', async () => {
    await tspod.ok(['commit', '--squash', 'base', 'squashed'])
    const { RootFS, History } = await inspect('squashed')
    expect([RootFS.Layers.length, History.length]).toEqual([1, 1])
    const check = 'cat /new; ls /etc/group 2>/dev/null || echo gone; test -x /bin/busybox && echo there'
    expect(await tspod.ok(['run', '--rm', 'squashed', 'sh', '-c', check])).toBe('new\ngone\nthere')
  })

  test('without a name, and of a container that runs', async () => {
    await tspod.ok(['run', '-d', '--name', 'live', image, 'sh', '-c', 'echo x > /live; exec sleep 100000'])
    await tspod.ok(['exec', 'live', 'sh', '-c', 'until test -s /live; do :; done'])
    const id = await tspod.ok(['commit', 'live'])
    expect(await tspod.ok(['run', '--rm', id, 'cat', '/live'])).toBe('x')
  })

  test('in the form of Docker', async () => {
    await tspod.ok(['commit', '--format', 'docker', 'base', 'dockered'])
    const archive = join(tspod.folder, 'dockered.tar')
    await tspod.ok(['save', '-o', archive, 'dockered'])
    expect(await tspod.ok(['run', '--rm', 'dockered', 'cat', '/new'])).toBe('new')
  })

  test.each([
    [['commit', 'nothing'], 'no such container'],
    [['commit', '--change', 'RUN true', 'base', 'x'], 'invalid change'],
    [['commit', '--format', 'zip', 'base', 'x'], 'zip'],
    [['commit', 'base', 'UPPER:x'], 'UPPER'],
  ])('%j is refused, and leaves nothing', async (args, message) => {
    const before = await tspod.ok(['images', '-aq'])
    const result = await tspod.run(args)
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain(message)
    expect(await tspod.ok(['images', '-aq'])).toBe(before)
    expect(readdirSync(join(tspod.root, 'tmp')).filter((name) => name.startsWith('blob-'))).toEqual([])
  })
})

describe('export', () => {
  test.each(['stopped', 'running'])(
    'of a container that is %s has its own files, nothing that is mounted',
    async (state) => {
      const name = `exported-${state}`
      const wait = state === 'running' ? '; exec sleep 100000' : ''
      const volume = ['-v', `${name}:/data`]
      await tspod.ok([
        'run',
        ...(wait === '' ? [] : ['-d']),
        '--name',
        name,
        ...volume,
        image,
        'sh',
        '-ec',
        `${script}; echo > /data/f; touch /done${wait}`,
      ])
      if (state === 'running') await tspod.ok(['exec', name, 'sh', '-c', 'until test -e /done; do :; done'])
      const archive = join(tspod.folder, `${name}.tar`)
      await tspod.ok(['export', '-o', archive, name])
      const entries = await readTar(archive)
      const find = (path: string) => entries.find((entry) => entry.path === path)
      expect(find('new')).toMatchObject({ content: 'new\n' })
      expect(find('own/')).toMatchObject({ uid: 7, gid: 8, mode: 0o2750 })
      expect(find('etc/group')).toBeUndefined()
      expect(find('proc/')).toBeDefined()
      expect(find('data/')).toBeDefined()
      expect(entries.filter(({ path }) => /^(proc|dev|sys|data)\/./.test(path))).toEqual([])
    },
  )

  test('to stdout, and into an image again', async () => {
    const child = tspod.start(['export', 'base'], ['ignore', 'pipe', 'inherit'])
    const chunks: Buffer[] = []
    for await (const chunk of child.stdout ?? []) chunks.push(chunk as Buffer)
    writeFileSync(join(tspod.folder, 'out.tar'), Buffer.concat(chunks))
    await tspod.ok(['import', 'out.tar', 'flat'])
    expect(await tspod.ok(['run', '--rm', 'flat', 'cat', '/new'])).toBe('new')
  })

  test('of nothing is refused', async () => {
    const result = await tspod.run(['export', '-o', join(tspod.folder, 'none.tar'), 'nothing'])
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain('no such container')
  })
})
