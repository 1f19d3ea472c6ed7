import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore

const script =
  'echo > /new && mkdir -p /var/made && echo x >> /etc/passwd && rm /etc/group && chmod 700 /home && ' +
  'rm -r /usr/sbin && mkdir /usr/sbin && rm -r /usr/bin && ln -s /bin /usr/bin && touch /run/mine'

beforeAll(async () => {
  tspod = await busyboxStore()
  await tspod.ok([
    'run',
    '--name',
    'changer',
    '-v',
    '/var/volume',
    image,
    'sh',
    '-ec',
    `${script}; echo > /var/volume/f`,
  ])
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

const changes = [
  'C /etc',
  'D /etc/group',
  'C /etc/passwd',
  'C /home',
  'A /new',
  'A /run/mine',
  'C /usr',
  'C /usr/bin',
  'C /var',
  'A /var/made',
  'A /var/volume',
]

describe('diff', () => {
  test('tells what a container has added, changed and deleted, in the order of paths, without stubs of mounts', async () => {
    expect((await tspod.ok(['diff', 'changer'])).split('\n')).toEqual(changes)
    expect((await tspod.ok(['container', 'diff', 'changer'])).split('\n')).toEqual(changes)
  })

  test('of one container or image to another', async () => {
    await tspod.ok(['create', '--name', 'untouched', image, 'true'])
    const between = async (...names: string[]) => (await tspod.ok(['diff', ...names])).split('\n')
    expect(await between('changer', image)).toEqual(changes)
    expect(await between('changer', 'untouched')).toEqual(changes)
    expect(await between('untouched', 'changer')).toEqual(
      expect.arrayContaining(['A /etc/group', 'C /etc/passwd', 'D /new', 'D /var/made']),
    )
    expect(await tspod.ok(['container', 'diff', 'changer', 'changer'])).toBe('')
    const result = await tspod.run(['container', 'diff', 'changer', image])
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain('no such container')
  })

  test('as JSON', async () => {
    expect(JSON.parse(await tspod.ok(['diff', '--format', 'json', 'changer']))).toMatchObject({
      deleted: ['/etc/group'],
      added: ['/new', '/run/mine', '/var/made', '/var/volume'],
    })
  })

  test('of a container that runs', async () => {
    await tspod.ok(['run', '-d', '--name', 'runner', image, 'sh', '-c', 'exec sleep 100000'])
    expect(await tspod.ok(['diff', 'runner'])).toBe('')
    await tspod.ok(['exec', 'runner', 'touch', '/tmp/x'])
    expect(await tspod.ok(['diff', 'runner'])).toBe('C /tmp\nA /tmp/x')
  })

  test("of an image is its topmost layer's, its only layer is all added", async () => {
    await tspod.ok(['commit', 'changer', 'changed'])
    expect((await tspod.ok(['diff', 'changed'])).split('\n')).toEqual(changes)
    await tspod.ok(['run', '--name', 'again', 'changed', 'sh', '-c', 'rm /new; echo > /etc/group'])
    await tspod.ok(['commit', 'again', 'third'])
    expect((await tspod.ok(['image', 'diff', 'third'])).split('\n')).toEqual(['C /etc', 'A /etc/group', 'D /new'])
    const since = await tspod.ok(['diff', 'third', image])
    expect(since.split('\n')).toEqual(expect.arrayContaining(['C /etc/group', 'A /var/made']))
    expect(since).not.toContain('/new')
    expect(since).toBe(await tspod.ok(['image', 'diff', 'third', image]))
    const lines = (await tspod.ok(['image', 'diff', image])).split('\n')
    expect(lines).toContain('A /bin/busybox')
    expect(lines.filter((line) => !line.startsWith('A '))).toEqual([])
  })

  test('with copies for a root, finds the same', async () => {
    const store = ['--storage-driver', 'copy']
    await tspod.ok([...store, 'run', '--name', 'copied', image, 'sh', '-ec', script])
    const expected = changes.filter((line) => line !== 'A /var/volume')
    expect((await tspod.ok(['diff', 'copied'])).split('\n')).toEqual(expected)
    await tspod.ok(['commit', 'copied', 'from-copies'])
    expect((await tspod.ok(['diff', 'from-copies'])).split('\n')).toEqual(expected)
  })

  test.each([
    [['diff', 'nothing'], 'no such container or image'],
    [['container', 'diff', image], 'no such container'],
    [['image', 'diff', 'changer'], 'image not known'],
    [['diff', '--format', 'yaml', 'changer'], 'unknown format'],
  ])('%j is refused', async (args, message) => {
    const result = await tspod.run(args)
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain(message)
  })
})
