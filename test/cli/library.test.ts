import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Engine, openEngine as open } from '../../src/index.js'
import { busyboxStore, image } from '../helpers/busybox-store.js'
import type { TspodStore } from '../helpers/tspod.js'

const library = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

let store: TspodStore
let engine: Engine

beforeAll(async () => {
  store = await busyboxStore()
  const { openEngine } = (await import(library)) as { openEngine: typeof open }
  engine = await openEngine({ root: store.root, runroot: store.runroot })
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
})

const network = { mode: 'none' } as const

test('run gives the output and the exit status', async () => {
  await using container = await engine.containers.run({
    image,
    command: ['sh', '-c', 'echo out; echo err >&2; exit 3'],
    network,
  })
  expect(await container.output()).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' })
})

test('a megabyte goes in and comes out', async () => {
  await using container = await engine.containers.run({ image, command: ['cat'], interactive: true, network })
  container.stdin.end(Buffer.alloc(1 << 20, 'x'))
  const { stdout } = await container.output()
  expect(stdout.length).toBe(1 << 20)
})

test('exec runs beside it', async () => {
  await using container = await engine.containers.run({
    image,
    command: ['sleep', '1000'],
    network,
    lifetime: 'process',
  })
  const process = await container.exec({ command: ['cat'], interactive: true })
  process.stdin.end('hello')
  expect(await process.output()).toEqual({ exitCode: 0, stdout: 'hello', stderr: '' })
  await expect(container.exec(['no-such'])).rejects.toMatchObject({ code: 'exec-not-found' })
})

test('a published port is reached', async () => {
  await using container = await engine.containers.run({
    image,
    command: ['sh', '-c', 'echo hello > /tmp/index.html; httpd -p 80 -h /tmp; echo ready; sleep 1000'],
    publish: [{ containerPort: 80, range: 1, protocol: 'tcp', hostIp: '127.0.0.1' }],
    lifetime: 'process',
  })
  await once(container.stdout, 'readable')
  const { host, port } = container.port(80)
  expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe('hello\n')
  expect(() => container.port(81)).toThrow('not published')
})

test('what failed is an error with a code, and leaves nothing', async () => {
  await expect(engine.containers.run({ image, command: ['no-such'], remove: true, network })).rejects.toMatchObject({
    code: 'exec-not-found',
  })
  await expect(engine.containers.run({ image, network, name: 'a b' })).rejects.toMatchObject({
    code: 'invalid-argument',
  })
  await expect(engine.containers.inspect('nobody')).rejects.toMatchObject({ code: 'no-such-container' })
  expect(await engine.containers.list({ all: true })).toEqual([])
})

test('many operations in one process do not get into each other’s way', async () => {
  const outputs = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      await using container = await engine.containers.run({ image, command: ['echo', String(index)], network })
      return (await container.output()).stdout
    }),
  )
  expect(outputs).toEqual(Array.from({ length: 8 }, (_, index) => `${index}\n`))
})

test('a container of a process goes with it, even by kill -9', async () => {
  const script = join(store.folder, 'owner.mjs')
  await writeFile(
    script,
    `import { openEngine } from ${JSON.stringify(library)}
     const engine = await openEngine({ root: ${JSON.stringify(store.root)}, runroot: ${JSON.stringify(store.runroot)} })
     const { id } = await engine.containers.run({
       image: ${JSON.stringify(image)}, command: ['sleep', '1000'], network: { mode: 'none' }, lifetime: 'process' })
     console.log(id)
     setInterval(() => {}, 1000)`,
  )
  const owner = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [bytes] = (await once(owner.stdout, 'data')) as [Buffer]
  const id = bytes.toString().trim()
  expect(await engine.containers.exists(id)).toBe(true)
  owner.kill('SIGKILL')
  await engine.containers.wait(id, { conditions: ['removing'], intervalMilliseconds: 10 }).catch((error: unknown) => {
    /* Gone before we could look. */
    expect(error).toMatchObject({ code: 'no-such-container' })
  })
  expect(await engine.containers.exists(id)).toBe(false)
})
