import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type {
  BuildEvent,
  BuildOptions,
  BuildResult,
  Engine,
  FailedStep,
  openEngine as open,
} from '../../../src/index.js'
import { busyboxStore, image } from '../../helpers/busybox-store.js'
import type { TspodStore } from '../../helpers/tspod.js'
import { leftovers } from '../../crash/leftovers.js'

const library = fileURLToPath(new URL('../../../dist/index.js', import.meta.url))

let store: TspodStore
let engine: Engine
let contexts = 0

beforeAll(async () => {
  store = await busyboxStore()
  const { openEngine } = (await import(library)) as { openEngine: typeof open }
  engine = await openEngine({ root: store.root, runroot: store.runroot })
})

afterAll(async () => {
  await store[Symbol.asyncDispose]()
})

/** A new folder with these files. */
async function context(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(store.folder, `context-${String(++contexts)}`)
  await mkdir(folder)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

interface Seen {
  readonly result: BuildResult
  /** Names of the steps, in the order in which they began. */
  readonly steps: readonly string[]
  /** Of RUN, COPY, ADD and WORKDIR alone. */
  readonly cached: readonly string[]
  readonly output: string
}

async function build(options: BuildOptions): Promise<Seen> {
  const names = new Map<number, string>()
  const cached: string[] = []
  let output = ''
  const onEvent = (event: BuildEvent): void => {
    if (event.type === 'step-started') names.set(event.step, event.name)
    if (event.type === 'step-output') output += event.bytes.toString()
    const name = event.type === 'step-finished' ? (names.get(event.step) ?? '') : ''
    if (event.type === 'step-finished' && event.cached && !name.includes('] FROM ')) cached.push(name)
  }
  const result = await engine.builds.build({ network: { mode: 'none' }, ...options, onEvent })
  return { result, steps: [...names.values()], cached, output }
}

async function run(result: BuildResult, command: readonly string[]): Promise<string> {
  await using container = await engine.containers.run({
    image: result.id ?? '',
    command,
    network: { mode: 'none' },
  })
  return (await container.output()).stdout
}

const from = `FROM ${image}\n`

describe('the cache', () => {
  test('finds every step again, and gives the same image', async () => {
    const folder = await context({
      Dockerfile: `${from}WORKDIR /w\nCOPY a a\nRUN cat a a > b\nCMD ["cat", "/w/b"]\n`,
      a: 'x\n',
    })
    const first = await build({ context: folder })
    const second = await build({ context: folder })
    expect(first.cached).toEqual([])
    expect(second.cached).toHaveLength(3)
    expect(second.result.id).toBe(first.result.id)
    expect(second.result.images[0]?.steps).toEqual({ total: 3, cached: 3 })
    expect(await run(second.result, [])).toBe('x\nx\n')
  })

  test('does not mind times, and minds content, modes and names', async () => {
    const folder = await context({ Dockerfile: `${from}COPY d /d\nRUN ls /d > /list\n`, 'd/a': 'x' })
    await build({ context: folder })
    await rm(join(folder, 'd/a'))
    await writeFile(join(folder, 'd/a'), 'x')
    expect((await build({ context: folder })).cached).toHaveLength(2)
    await writeFile(join(folder, 'd/a'), 'y')
    expect((await build({ context: folder })).cached).toEqual([])
    await writeFile(join(folder, 'd/b'), 'y')
    expect((await build({ context: folder })).cached).toEqual([])
  })

  test('goes on after a step whose new result is the old one', async () => {
    const dockerfile = (text: string): string =>
      `${from.trim()} AS make\nRUN echo ${text} > /log && echo same > /out\n${from}COPY --from=make /out /out\nRUN cat /out > /copy\n`
    const folder = await context({ Dockerfile: dockerfile('one') })
    await build({ context: folder })
    await writeFile(join(folder, 'Dockerfile'), dockerfile('two'))
    const { cached } = await build({ context: folder })
    expect(cached.map((name) => name.replace(/\[.*\] /, ''))).toEqual([
      'COPY --from=make /out /out',
      'RUN cat /out > /copy',
    ])
  })

  test('is not asked with noCache, and not for older steps than the time to live', async () => {
    const folder = await context({ Dockerfile: `${from}RUN date +%N > /now\n` })
    const first = await build({ context: folder })
    expect((await build({ context: folder, noCache: true })).cached).toEqual([])
    expect((await build({ context: folder, cacheTtlSeconds: 0 })).cached).toEqual([])
    expect((await build({ context: folder, cacheTtlSeconds: 3600 })).cached).toHaveLength(1)
    expect(first.cached).toEqual([])
  })

  test('knows arguments and the environment, and what does not reach a command', async () => {
    const folder = await context({ Dockerfile: `${from}ARG A=1\nENV B=2\nLABEL l=1\nRUN echo $A$B > /ab\n` })
    await build({ context: folder })
    expect((await build({ context: folder, buildArgs: { A: '3' } })).cached).toEqual([])
    await writeFile(join(folder, 'Dockerfile'), `${from}ARG A=1\nENV B=2\nLABEL l=2\nEXPOSE 80\nRUN echo $A$B > /ab\n`)
    expect((await build({ context: folder })).cached).toHaveLength(1)
  })

  test('keeps its layers when the images are gone, until it is pruned', async () => {
    const folder = await context({ Dockerfile: `${from}RUN echo kept > /kept\n` })
    const { result } = await build({ context: folder, tags: ['kept'] })
    await engine.images.remove([result.id ?? ''], { force: true })
    const again = await build({ context: folder })
    expect(again.cached).toHaveLength(1)
    expect(await run(again.result, ['cat', '/kept'])).toBe('kept\n')
    await engine.images.remove([again.result.id ?? ''], { force: true })
    const usage = await engine.builds.usage()
    expect(usage.find(({ description }) => description.includes('echo kept'))).toMatchObject({
      type: 'step',
      shared: false,
    })
    const { removed } = await engine.builds.prune({ all: true })
    expect(removed.length).toBeGreaterThan(0)
    expect(await engine.builds.usage()).toEqual([])
    expect((await build({ context: folder })).cached).toEqual([])
  })
})

describe('stages', () => {
  test('that nobody needs are not built', async () => {
    const folder = await context({
      Dockerfile: `${from.trim()} AS a\nRUN echo a > /a\n${from.trim()} AS b\nRUN exit 1\n${from.trim()} AS c\nCOPY --from=a /a /a\n`,
    })
    const { steps, result } = await build({ context: folder })
    expect(steps.some((name) => name.startsWith('[b'))).toBe(false)
    expect(await run(result, ['cat', '/a'])).toBe('a\n')
    await expect(build({ context: folder, target: 'b' })).rejects.toMatchObject({ code: 'build-failed' })
  })

  test('run side by side', async () => {
    /* Each waits for what the other writes: one after the other they would wait for ever. */
    const wait = (mine: string, other: string): string =>
      `RUN --mount=type=cache,id=meeting,target=/m touch /m/${mine}; until [ -e /m/${other} ]; do sleep 0.05; done\n`
    const folder = await context({
      Dockerfile: `${from.trim()} AS a\n${wait('a', 'b')}${from.trim()} AS b\n${wait('b', 'a')}${from}COPY --from=a /etc/passwd /a\nCOPY --from=b /etc/passwd /b\n`,
    })
    const { result } = await build({ context: folder, jobs: 2 })
    expect(await run(result, ['ls', '/a', '/b'])).toBe('/a\n/b\n')
  })

  test('that are equal are run once', async () => {
    const folder = await context({
      Dockerfile: `${from.trim()} AS a\nRUN echo run once\n${from.trim()} AS b\nRUN echo run once\n${from}COPY --from=a /etc/passwd /a\nCOPY --from=b /etc/passwd /b\n`,
    })
    const { output } = await build({ context: folder })
    expect(output.match(/run once/g)).toHaveLength(1)
  })
})

describe('RUN', () => {
  test('leaves nothing of its mounts in the image', async () => {
    const folder = await context({
      Dockerfile: `${from}RUN --mount=type=cache,target=/var/cache/x --mount=type=bind,target=/ctx --mount=type=tmpfs,target=/scratch echo done > /done\n`,
    })
    const { result } = await build({ context: folder })
    const layers = await topLayer(result)
    expect(await readdir(layers)).toEqual(['done'])
  })

  test('has caches that outlive it, of their own owner and mode', async () => {
    const dockerfile = (text: string): string =>
      `${from}RUN --mount=type=cache,id=../x/y,target=/c,uid=5,gid=6,mode=0750 echo ${text} >> /c/log; cat /c/log; stat -c %u:%g:%a /c\n`
    const folder = await context({ Dockerfile: dockerfile('one') })
    expect((await build({ context: folder })).output).toBe('one\n5:6:750\n')
    await writeFile(join(folder, 'Dockerfile'), dockerfile('two'))
    expect((await build({ context: folder })).output).toBe('one\ntwo\n5:6:750\n')
  })

  test('reads a part of another stage, and what it writes there is gone', async () => {
    const folder = await context({
      Dockerfile:
        `${from.trim()} AS other\nRUN mkdir -p /a/b && echo deep > /a/b/c\n${from}` +
        'RUN --mount=type=bind,from=other,source=/a/b,target=/m,rw cat /m/c; echo new > /m/d; cat /m/d\n' +
        'RUN --mount=type=bind,from=other,target=/m ls /m/a/b\n',
    })
    expect((await build({ context: folder })).output).toBe('deep\nnew\nc\n')
  })

  test('that fails tells where, what and how, and opens a shell with its files', async () => {
    const folder = await context({ Dockerfile: `${from}RUN true\nRUN echo before > /file; \\\n  echo said; exit 7\n` })
    let failed: FailedStep | undefined
    const failure = await build({
      context: folder,
      onFailedStep: (step) => {
        failed = step
        return Promise.resolve()
      },
    }).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'build-failed',
      cause: { file: 'Dockerfile', line: 3, endLine: 4, exitCode: 7, lastOutput: 'said\n' },
    })
    expect(failed).toMatchObject({ line: 3, exitCode: 7, lastOutput: 'said\n' })
    await expect.poll(() => leftovers(store), { timeout: 10_000 }).toEqual([])
  })

  test('does not get what it may not take for itself', async () => {
    const folder = await context({ Dockerfile: `${from}RUN --network=host true\n` })
    await expect(build({ context: folder })).rejects.toThrow('--allow network.host')
    await writeFile(join(folder, 'Dockerfile'), `${from}RUN --security=insecure true\n`)
    await expect(build({ context: folder })).rejects.toThrow('--allow security.insecure')
  })

  test('ends with the build that is broken off', async () => {
    const folder = await context({ Dockerfile: `${from}RUN echo begun; sleep 1000\n` })
    const abort = new AbortController()
    const onEvent = (event: BuildEvent): void => {
      if (event.type === 'step-output') abort.abort()
    }
    await expect(
      engine.builds.build({ context: folder, network: { mode: 'none' }, signal: abort.signal, onEvent }),
    ).rejects.toThrow()
    await expect.poll(() => leftovers(store), { timeout: 10_000 }).toEqual([])
  })
})

describe('the same input', () => {
  test('gives the same image without a cache, where no command runs', async () => {
    const folder = await context({ Dockerfile: 'FROM scratch\nWORKDIR /w\nCOPY a .\nLABEL a=b\n', a: 'x' })
    const first = await build({ context: folder, noCache: true, timestamp: 1 })
    const second = await build({ context: folder, noCache: true, timestamp: 1 })
    expect(second.result.digest).toBe(first.result.digest)
    const copied = await context({ Dockerfile: 'FROM scratch\nCOPY a .\nLABEL a=b\n', a: 'x' })
    const one = await build({ context: copied, noCache: true })
    expect((await build({ context: copied, noCache: true })).result.digest).toBe(one.result.digest)
  })

  test('gives the same image with clamped times, though commands run', async () => {
    const folder = await context({ Dockerfile: `${from}RUN echo x > /x; mkdir /d; ln -s x /d/l\n` })
    const times = { sourceDateEpoch: 1_700_000_000, rewriteTimestamp: true, noCache: true }
    const first = await build({ context: folder, ...times })
    expect((await build({ context: folder, ...times })).result.digest).toBe(first.result.digest)
  })

  test('is verified by a second build, which names what differs', async () => {
    const good = await context({ Dockerfile: `${from}RUN echo x > /x\n` })
    const network = { mode: 'none' } as const
    expect((await engine.builds.verify({ context: good, network })).difference).toBeUndefined()
    const bad = await context({
      Dockerfile: `${from}RUN echo x > /x\nRUN mkdir /d && head -c 20 /dev/urandom > /d/r\n`,
    })
    const { difference } = await engine.builds.verify({ context: bad, network })
    expect(difference).toMatchObject({
      what: 'layer',
      path: 'd/r',
      detail: expect.stringContaining('content') as string,
    })
    expect(difference?.instruction).toContain('urandom')
  })
})

describe('results', () => {
  test('are squashed, with what lies beneath or without', async () => {
    const folder = await context({ Dockerfile: `${from}RUN echo a > /a; echo b > /b\nRUN rm /a /etc/passwd\n` })
    const squashed = await build({ context: folder, squash: true })
    const { RootFS } = await engine.images.inspect(squashed.result.id ?? '')
    expect(RootFS.Layers).toHaveLength(2)
    expect(await run(squashed.result, ['sh', '-c', 'ls /a /b /etc/passwd 2>/dev/null'])).toBe('/b\n')
    const all = await build({ context: folder, squashAll: true })
    expect((await engine.images.inspect(all.result.id ?? '')).RootFS.Layers).toHaveLength(1)
    expect(await run(all.result, ['sh', '-c', 'ls /a /b /etc/passwd 2>/dev/null'])).toBe('/b\n')
  })

  test('are a folder, an archive, or a list of images', async () => {
    const folder = await context({ Dockerfile: 'FROM scratch\nCOPY a /x/a\n', a: 'content' })
    const target = join(store.folder, 'out')
    const tar: Uint8Array[] = []
    const { result } = await build({
      context: folder,
      outputs: [
        { type: 'local', path: target },
        {
          type: 'tar',
          target: (chunk) => {
            tar.push(Buffer.from(chunk))
            return Promise.resolve()
          },
        },
      ],
    })
    expect(result.id).toBeUndefined()
    expect(await readFile(join(target, 'x/a'), 'utf8')).toBe('content')
    expect(Buffer.concat(tar).includes('content')).toBe(true)
    const platforms = [{ architecture: 'amd64' }, { architecture: 'arm64' }]
    const list = await build({ context: folder, platforms, tags: ['several'] })
    expect(list.result.images.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64'])
    expect(await engine.manifests.inspect('several')).toMatchObject({ manifests: [{}, {}] })
  })
})

/** The files of an image's topmost layer. */
async function topLayer(result: BuildResult): Promise<string> {
  const { RootFS } = await engine.images.inspect(result.id ?? '')
  return join(store.root, 'layers', (RootFS.Layers.at(-1) ?? '').replace(/^sha256:/, ''), 'diff')
}
