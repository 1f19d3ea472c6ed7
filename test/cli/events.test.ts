import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import type { TspodStore } from '../helpers/tspod.js'

/** The names and their order are Podman's. */
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

/** What containers told, without the ID. */
const lives = async (...more: readonly string[]): Promise<string[]> => {
  const text = await told('{{.Status}} {{.Name}} {{.ContainerExitCode}}', '--filter', 'type=container', ...more)
  return text.split('\n').map((line) => line.trim())
}

describe('events of containers', () => {
  test('a run that stays, and its removal', async () => {
    expect((await tspod.run(['run', '--name', 'stays', image, 'sh', '-c', 'exit 3'])).status).toBe(3)
    await tspod.ok(['rm', 'stays'])
    expect(await lives()).toEqual([
      'create stays',
      'init stays',
      'start stays',
      'attach stays',
      'died stays 3',
      'cleanup stays',
      'remove stays 3',
    ])
  })

  test('a run with --rm tells the same when it is done again', async () => {
    const life = ['create again', 'init again', 'start again', 'attach again', 'died again 0', 'remove again 0']
    for (const _ of [1, 2, 3]) await tspod.ok(['run', '--rm', '--network', 'none', '--name', 'again', image, 'true'])
    expect(await lives()).toEqual([...life, ...life, ...life])
  })

  test('nobody is attached to what is detached, until he attaches', async () => {
    await tspod.ok(['run', '-d', '-i', '--name', 'alone', image, 'cat'])
    expect(await lives()).toEqual(['create alone', 'init alone', 'start alone'])
    await tspod.ok(['attach', 'alone'], { input: 'end\n' })
    expect(await lives('--filter', 'event=attach')).toEqual(['attach alone'])
    await tspod.ok(['rm', '-f', 'alone'])
  })

  test('init and start apart', async () => {
    await tspod.ok(['create', '--name', 'begun', image, 'true'])
    await tspod.ok(['init', 'begun'])
    expect(await lives()).toEqual(['create begun', 'init begun'])
    await tspod.ok(['start', '-a', 'begun'])
    expect(await lives()).toEqual([
      'create begun',
      'init begun',
      'start begun',
      'attach begun',
      'died begun 0',
      'cleanup begun',
    ])
    await tspod.ok(['rm', 'begun'])
  })

  test('restart comes before what it does', async () => {
    await tspod.ok(['run', '-d', '--init', '--name', 'twice', image, 'sleep', '1000'])
    await tspod.ok(['restart', '-t', '0', 'twice'])
    const statuses = (await lives()).map((line) => line.split(' ')[0])
    expect(statuses).toEqual(['create', 'init', 'start', 'restart', 'died', 'cleanup', 'stop', 'init', 'start'])
    await tspod.ok(['rm', '-f', 'twice'])
  })

  test('a command that is not there begins nothing', async () => {
    expect((await tspod.run(['run', '--rm', '--name', 'nothing', image, 'nosuch'])).status).toBe(127)
    expect(await lives()).toEqual(['create nothing', 'remove nothing'])
  })

  test('exec and its end, with the session', async () => {
    await tspod.ok(['run', '-d', '--name', 'busy', '-l', 'a=b', image, 'sleep', '1000'])
    expect((await tspod.run(['exec', 'busy', 'sh', '-c', 'exit 4'])).status).toBe(4)
    expect((await tspod.run(['exec', 'busy', 'nosuch'])).status).toBe(127)
    const format = '{{.Status}} {{.Name}} {{.Image}} {{.ContainerExitCode}} {{.Attributes.a}} {{.Attributes.execID}}'
    const [begun = '', ended = '', ...more] = (
      await told(format, '--filter', 'event=exec', '--filter', 'event=exec_died')
    ).split('\n')
    const [, session] = /(\w{64})$/.exec(begun) ?? []
    const name = `localhost/busybox:latest`
    expect(begun).toBe(`exec busy ${name}  b ${session ?? '?'}`)
    expect(ended).toBe(`exec_died busy ${name} 4 b ${session ?? '?'}`)
    expect(more).toEqual([])
    await tspod.ok(['rm', '-f', 'busy'])
  })

  test('a name that was changed on the way', async () => {
    await tspod.ok(['run', '-d', '--rm', '--name', 'before', image, 'sleep', '1000'])
    await tspod.ok(['rename', 'before', 'after'])
    await tspod.ok(['stop', '-t', '0', 'after'])
    expect((await lives()).slice(3)).toEqual(['rename after', 'died after 137', 'remove after 137', 'stop after'])
    expect(await readdir(join(tspod.root, 'names'))).not.toContain('after')
  })

  test('the volumes that go with it', async () => {
    await tspod.ok(['run', '--rm', '-v', '/data', image, 'true'])
    const lines = (await told('{{.Type}} {{.Status}} {{.Name}}', '--filter', 'type=volume')).split('\n')
    expect(lines).toEqual([
      expect.stringMatching(/^volume create \w{64}$/),
      (lines[0] ?? '').replace('create', 'remove'),
    ])
  })

  test('as JSON, the members in the order that Podman has', async () => {
    await tspod.ok(['run', '--rm', '--name', 'told', image, 'true'])
    expect(await told('json', '--filter', 'event=died')).toMatch(
      /^\{"ContainerExitCode":0,"ID":"\w{64}","Image":"[^"]+","Name":"told","Status":"died","time":\d{10},"timeNano":\d{19},"Type":"container","Attributes":\{\}\}$/,
    )
  })
})

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
