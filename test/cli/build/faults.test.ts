import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildStore, type BuildStore } from '../../helpers/build.js'
import type { Result } from '../../helpers/tspod.js'

let store: BuildStore
let context: string

beforeAll(async () => {
  store = await buildStore()
  await store.needs('busybox')
  context = join(store.tspod.folder, 'hostile', 'context')
  await mkdir(context, { recursive: true })
  await writeFile(join(context, 'file'), 'in the context\n')
  await writeFile(join(context, '..', 'outside'), 'out of the context\n')
  await symlink('../outside', join(context, 'link'))
  await symlink(join(context, '..'), join(context, 'folder'))
})

afterAll(() => store[Symbol.asyncDispose]())

const from = 'FROM localhost/busybox\n'

async function build(dockerfile: string, ...args: string[]): Promise<Result> {
  await writeFile(join(context, 'Dockerfile'), dockerfile)
  return store.tspod.run(['build', '--progress', 'plain', '--pull=never', ...args, context])
}

describe('says file and line of', () => {
  test.each<[what: string, dockerfile: string, line: number, message: RegExp, args?: string[]]>([
    ['an unknown instruction', `${from}FOO bar\n`, 2, /unknown instruction.*FOO/i],
    ['an unknown flag', `${from}COPY --fron=x a b\n`, 2, /fron/],
    ['an instruction before FROM', 'RUN true\nFROM scratch\n', 1, /FROM/],
    ['a here-document without an end', `${from}RUN <<EOF\necho\n`, 2, /EOF/],
    ['a base image that is not there', 'FROM localhost/nonexistent\n', 1, /nonexistent/],
    ['an empty base image', 'ARG NONE\nFROM $NONE\n', 2, /./],
    ['a base image out of bounds', 'FROM ../busybox\n', 1, /\.\.\/busybox/],
    ['a source that is not there', `${from}COPY nonexistent /\n`, 2, /nonexistent/],
    ['a source out of the context', `${from}COPY ../outside /x\n`, 2, /outside/],
    ['a source by a link out of the context', `${from}COPY folder/outside /x\n`, 2, /outside/],
    ['a stage out of bounds', `${from}COPY --from=../x / /\n`, 2, /\.\.\/x/],
    ['a stage that is itself', `${from.trim()} AS me\nCOPY --from=me / /\n`, 1, /circular|cycl|itself/i],
    ['a stage by a number too high', `${from}COPY --from=7 / /\n`, 2, /7/],
    ['a mount from out of bounds', `${from}RUN --mount=from=../x,target=/m true\n`, 2, /\.\.\/x/],
    ['a mount of what is out of the context', `${from}RUN --mount=source=../outside,target=/m true\n`, 2, /outside/],
    ['a mount without a target', `${from}RUN --mount=type=tmpfs true\n`, 2, /target/],
    ['a mount on the root', `${from}RUN --mount=type=tmpfs,target=/ true\n`, 2, /./],
    ['a mount of an unknown type', `${from}RUN --mount=type=floppy,target=/m true\n`, 2, /floppy/],
    ['an entitlement that was not given', `${from}RUN --security=insecure true\n`, 2, /insecure/],
    [
      'a checksum that makes no sense',
      `${from}ADD --checksum=md5:1 http://127.0.0.1:1/x /\n`,
      2,
      /md5|checksum|digest/i,
    ],
    [
      'a checksum of a file',
      `${from}ADD --checksum=sha256:${'0'.repeat(64)} file /x\n`,
      2,
      /checksum requires HTTP\(S\) or Git sources/,
    ],
    ['a malformed pattern', `${from}COPY --exclude=[a file /x\n`, 2, /--exclude: invalid pattern "\[a"/],
    [
      'a build argument that looks like a flag of COPY',
      `${from}ARG X\nCOPY $X file /y\n`,
      3,
      /./,
      ['--build-arg', 'X=--from=nonexistent'],
    ],
    [
      'a build argument that looks like a flag of FROM',
      'ARG X\nFROM $X localhost/busybox\n',
      2,
      /./,
      ['--build-arg', 'X=--platform=linux/arm64'],
    ],
    ['a line with a null character', `${from}RUN echo \0\n`, 2, /NUL|null/i],
    ['an endless line', `${from}RUN ${'x'.repeat(3 << 20)}\n`, 2, /long/],
  ])('%s', async (_, dockerfile, line, message, args = []) => {
    const { status, stderr } = await build(dockerfile, ...args)
    expect(status, stderr).toBe(125)
    expect(stderr).toMatch(new RegExp(`Dockerfile:${String(line)}\\b`))
    expect(/^Error: .*$/m.exec(stderr)?.[0]).toMatch(message)
    expect(stderr.length).toBeLessThan(8192)
  })
})

describe('refuses', () => {
  test.each<[what: string, dockerfile: string, message: RegExp, args?: string[]]>([
    ['a Dockerfile without instructions', '# nothing\n', /no instructions/],
    ['a target that is not there', from, /nosuch/, ['--target', 'nosuch']],
    ['a huge Dockerfile', `${from}${'#\n'.repeat(9 << 20)}`, /16777216|at most/],
    ['a tag that is none', from, /Bad/, ['-t', 'Bad/NAME']],
    [
      'stages that need each other',
      `FROM scratch AS a\nCOPY --from=b / /\nFROM scratch AS b\nCOPY --from=a / /\n`,
      /circular|cycl|stage|\bb\b/i,
    ],
    ['a file that is not there', from, /nonexistent/, ['-f', 'nonexistent']],
    ['an ignore file that is not there', from, /nonexistent/, ['--ignorefile', '/nonexistent']],
  ])('%s', async (_, dockerfile, message, args = []) => {
    const { status, stderr } = await build(dockerfile, ...args)
    expect(status, stderr.slice(0, 4096)).toBe(125)
    expect(/^Error: .*$/m.exec(stderr)?.[0]).toMatch(message)
  })

  test('a context that is not there, or is no folder', async () => {
    const missing = await store.tspod.run(['build', '/nonexistent'])
    expect([missing.status, missing.stderr]).toEqual([125, expect.stringMatching(/^Error: .*\/nonexistent/m)])
    const file = await store.tspod.run(['build', join(context, 'file')])
    expect([file.status, file.stderr]).toEqual([125, expect.stringMatching(/^Error: .*file/m)])
  })

  test('more than one context', async () => {
    expect(await store.tspod.run(['build', 'a', 'b'])).toMatchObject({ status: 125 })
  })
})

test('a failed step shows its end and its lines, and its status is the build’s', async () => {
  const { status, stdout, stderr } = await build(
    `${from}ENV A=1\nRUN echo before; \\\n    echo last words >&2; exit 42\nRUN true\n`,
  )
  expect(status).toBe(42)
  expect(stdout).toBe('')
  const shown = stderr.slice(stderr.indexOf('------\n'))
  expect(shown).toMatch(/^------\n > .*RUN echo before; .*:\n(?:.*\n)*?.*last words\n------\n/)
  expect(shown).toContain(`Dockerfile:3
--------------------
   1 |     FROM localhost/busybox
   2 |     ENV A=1
   3 | >>> RUN echo before; \\
   4 | >>>     echo last words >&2; exit 42
   5 |     RUN true
   6 |
--------------------
`)
  expect(shown).toMatch(/\nError: .*42\n$/)
})

test.each([
  ['exit 137', 137],
  ['nosuchcommand', 127],
])('RUN %s ends the build with status %i', async (command, status) => {
  expect((await build(`${from}RUN ${command}\n`)).status).toBe(status)
})

test.each([
  ['RUN ["/no/such/program"]', 127, 'no/such/program'],
  ['RUN ["/etc"]', 126, '/etc'],
  ['USER nosuchuser\nRUN true', 126, 'nosuchuser'],
])('%j, which cannot be run, ends the build with the status of run', async (text, expected, named) => {
  const { status, stderr } = await build(`${from}${text}\n`)
  expect(status).toBe(expected)
  expect(/^Error: Dockerfile:[23]: .*$/m.exec(stderr)?.[0]).toContain(named)
})

describe('out of the context', () => {
  test('nothing comes by links: they are copied as they are', async () => {
    const result = await build(
      `${from}COPY link folder /copied/\nCMD ["ls", "-l", "/copied"]\n`,
      '-t',
      'localhost/links',
    )
    // A link as a source is followed, but within the context: there is nothing.
    if (result.status !== 0) expect(result.stderr).toMatch(/Dockerfile:2\b/)
    else
      expect(await store.output('localhost/links', 'sh', '-c', 'cat /copied/* /copied/*/* 2>&1; true')).not.toContain(
        'out of the context',
      )
  })

  test('nothing comes by a bind mount', async () => {
    const result = await build(`${from}RUN --mount=type=bind,target=/c cat /c/link /c/folder/outside; true\n`)
    expect(result.stderr).not.toContain('out of the context')
  })

  test('nothing comes from a stage by links that point to the host', async () => {
    const text = `${from.trim()} AS a\nRUN ln -s ${context}/../outside /out && ln -s / /root-link\nFROM localhost/busybox\nCOPY --from=a /root-link${context}/../outside /x\n`
    const { status, stderr } = await build(text)
    expect(status).toBe(125)
    expect(stderr).toMatch(/Dockerfile:4\b/)
  })
})

test('a cache mount has any name, and stays where caches are', async () => {
  const id = '../../../../../../escaped/cache'
  const { status, stderr } = await build(`${from}RUN --mount=type=cache,id=${id},target=/c echo kept > /c/escapee\n`)
  expect(status, stderr).toBe(0)
  const args = ['--user', '--map-root-user', '--map-auto', 'find', store.tspod.folder, '-name', 'escapee']
  const found = (await promisify(execFile)('unshare', args)).stdout.trim().split('\n')
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(new RegExp(`^${store.tspod.root}/cache/`))
})

test('terminal codes in a Dockerfile and in a step’s output reach no terminal by the failure', async () => {
  const { status, stderr } = await build(`${from}RUN echo '\u001b[2J\u001b]0;title\u0007'; false\n`)
  expect(status).toBe(1)
  expect(stderr.slice(stderr.indexOf('------\n'))).not.toContain('\u001b')
})
