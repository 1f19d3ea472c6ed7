import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildStore, type BuildStore } from '../../helpers/build.js'
import type { Result } from '../../helpers/tspod.js'

let store: BuildStore
let context: string

beforeAll(async () => {
  store = await buildStore()
  context = join(store.tspod.folder, 'warnings')
  await mkdir(context)
  await writeFile(join(context, 'hidden'), '')
  await writeFile(join(context, '.dockerignore'), 'hidden\n')
})

afterAll(() => store[Symbol.asyncDispose]())

async function build(dockerfile: string, ...args: string[]): Promise<Result> {
  await writeFile(join(context, 'Dockerfile'), dockerfile)
  return store.tspod.run(['build', '--progress', 'plain', ...args, context])
}

describe('a build tells what is doubtful', () => {
  test('by rule and line, in stages that are built, and builds', async () => {
    const base = 'FROM scratch AS base\nENV a=$PAHT\nLABEL b c\n'
    const { status, stderr } = await build(`${base}FROM scratch AS unused\nLABEL d e\nFROM base\n`)
    expect(stderr).toContain('2 warnings found:')
    expect(stderr).toMatch(/ - UndefinedVar: .*\$PAHT.*\$PATH.* \(line 2\)\n - LegacyKeyValueFormat: .* \(line 3\)\n/)
    expect(status).toBe(0)
  })

  test('of build arguments that nothing uses, and of a syntax that is none of ours', async () => {
    await build('FROM scratch\nONBUILD ARG a\nONBUILD ENV b=$a\n', '-t', 'localhost/triggers')
    const { stderr } = await build(
      '# syntax=example.org/other:2\nFROM localhost/triggers\nCOPY Dockerfile /\n',
      ...['--build-arg', 'a=1', '--build-arg', 'c=2'],
    )
    expect(stderr).toContain('2 warnings found:')
    expect(stderr).toContain('build-args [c] were not consumed')
    expect(stderr).toContain('"# syntax=example.org/other:2" is ignored')
    const usual = await build('# syntax=docker/dockerfile:1.7-labs\nFROM scratch\nCOPY Dockerfile /\n')
    expect(usual.stderr).not.toContain('warning')
  })

  test('but for what comments do not want to hear', async () => {
    const { status, stderr } = await build('# check=skip=StageNameCasing\nFROM scratch AS A\nLABEL b=c\n')
    expect(stderr).not.toContain('warning')
    expect(status).toBe(0)
  })

  test('and fails if that is an error', async () => {
    const { status, stderr } = await build(
      '# check=error=true\nFROM scratch\nMAINTAINER x\n',
      '-t',
      'localhost/doubtful',
    )
    expect(stderr).toMatch(/Error: Dockerfile: lint violation found for rules: MaintainerDeprecated\n/)
    expect(status).toBe(125)
    expect((await store.tspod.run(['image', 'exists', 'localhost/doubtful'])).status).toBe(1)
  })

  test('as an argument asks for it', async () => {
    const { status } = await build(
      'FROM scratch\nMAINTAINER x\n',
      '--build-arg',
      'BUILDKIT_DOCKERFILE_CHECK=error=true',
    )
    expect(status).toBe(125)
  })
})
