import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import type { TspodStore } from '../helpers/tspod.js'

/** What happens to images and volumes; the names are Podman's. Containers' events are in container-commands.test.ts. */
let tspod: TspodStore
let id: string

beforeAll(async () => {
  tspod = await busyboxStore()
  id = await tspod.ok(['image', 'inspect', '--format', '{{.Id}}', image])
})

afterAll(() => tspod[Symbol.asyncDispose]())

let since: string
beforeEach(() => {
  since = new Date().toISOString()
})

const told = (format: string, ...more: readonly string[]) =>
  tspod.ok(['events', '--since', since, '--stream=false', '--format', format, ...more])

describe('events of images', () => {
  test('tag, untag, save and load', async () => {
    const archive = join(tspod.folder, 'saved.tar')
    await tspod.ok(['tag', image, 'one', 'two'])
    await tspod.ok(['untag', image, 'one'])
    await tspod.ok(['save', '-o', archive, 'two'])
    await tspod.ok(['load', '-i', archive])
    const lines = await told('{{.Type}} {{.Status}} {{.ID}} {{.Name}}')
    expect(lines.split('\n')).toEqual([
      `image tag ${id} localhost/one:latest`,
      `image tag ${id} localhost/two:latest`,
      `image untag ${id} localhost/one:latest`,
      `image save ${id} ${archive}`,
      `image loadfromarchive ${id} ${archive}`,
    ])
  })

  test('build, push, pull, commit, import and remove', async () => {
    const context = join(tspod.folder, 'context')
    const folder = join(tspod.folder, 'pushed')
    await mkdir(context)
    await writeFile(join(context, 'Dockerfile'), `FROM ${image}\nENV A=b\n`)
    const built = (await tspod.ok(['build', '-q', '-t', 'built', context])).replace('sha256:', '')
    await tspod.ok(['push', 'built', `dir:${folder}`])
    await tspod.ok(['rmi', 'built'])
    await tspod.ok(['pull', '-q', `dir:${folder}`])
    await tspod.ok(['create', '--name', 'kept', image, 'true'])
    await tspod.ok(['commit', '-q', 'kept', 'committed'])
    const happened = (await told('{{.Type}} {{.Status}} {{.ID}}')).split('\n')
    for (const expected of [
      `image build ${built}`,
      `image push ${built}`,
      `image untag ${built}`,
      `image pull ${built}`,
    ])
      expect(happened).toContain(expected)
    expect(happened).toContain(`image remove ${built}`)
    expect(await told('{{.Name}}', '--filter', 'event=commit')).toBe('kept')
  })

  test('a pull that fails says why', async () => {
    const gone = `dir:${join(tspod.folder, 'gone')}`
    expect((await tspod.run(['pull', '-q', gone])).status).toBe(125)
    const event: unknown = JSON.parse(await told('json'))
    expect(event).toMatchObject({
      Type: 'image',
      Status: 'pull-error',
      Name: gone,
      Error: expect.stringMatching(/gone/) as unknown,
    })
  })

  test('a name cannot write lines of its own', async () => {
    await tspod.run(['pull', '-q', 'dir:/gone\nimage pull forged'])
    const text = await tspod.ok(['events', '--since', since, '--stream=false'])
    expect(text.split('\n')).toEqual([expect.stringMatching(/ image pull-error .*dir:\/gone\?image pull forged/)])
  })
})

test('events of volumes: create, remove and prune', async () => {
  await tspod.ok(['volume', 'create', 'data'])
  await tspod.ok(['volume', 'create', 'data', '--ignore'])
  await tspod.ok(['volume', 'create', 'spare'])
  await tspod.ok(['volume', 'rm', 'data'])
  await tspod.ok(['volume', 'prune', '--force'])
  expect((await told('{{.Type}} {{.Status}} {{.Name}}', '--filter', 'type=volume')).split('\n')).toEqual([
    'volume create data',
    'volume create spare',
    'volume remove data',
    'volume remove spare',
    'volume prune spare',
  ])
})
