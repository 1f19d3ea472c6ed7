import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeInlineFiles } from '../../../../src/build/context/inline.js'
import { openContext } from '../../../../src/build/context/open.js'
import { makeWorkFolder } from '../../../../src/build/context/work-folder.js'
import { testTools, type TestTools } from './tools.js'

let tools: TestTools
beforeEach(() => {
  tools = testTools()
})
afterEach(() => tools[Symbol.dispose]())

async function* chunks(...parts: (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(Buffer.from(part))
}

describe('a context', () => {
  test('of a folder is used where it is, and stays', async () => {
    const path = join(tools.folder, 'ctx')
    mkdirSync(path)
    const context = await openContext({ kind: 'folder', path }, {}, tools)
    expect(context.folder).toBe(path)
    await context.close()
    expect(existsSync(path)).toBe(true)
  })

  test('of an archive is a folder that goes', async () => {
    const context = await openContext({ kind: 'bytes', bytes: chunks('arc', 'hive') }, {}, tools)
    expect(readFileSync(join(context.folder ?? '', 'content'), 'utf8')).toBe('archive')
    await context.close()
    expect(tools.left()).toEqual([])
  })

  test('of a compressed archive is, too', async () => {
    const context = await openContext({ kind: 'bytes', bytes: chunks(gzipSync('x')) }, {}, tools)
    expect(readFileSync(join(context.folder ?? '', 'content'), 'utf8')).toBe('x')
    await context.close()
  })

  test('of text is a Dockerfile without a context', async () => {
    const bytes = chunks('FROM x\n', 'RUN y\n')
    const context = await openContext({ kind: 'bytes', bytes }, {}, tools)
    expect(context).toMatchObject({ folder: undefined, dockerfile: Buffer.from('FROM x\nRUN y\n') })
  })

  test('of nothing is an error', async () => {
    await expect(openContext({ kind: 'bytes', bytes: chunks() }, {}, tools)).rejects.toThrow('empty')
  })

  test.each([
    ['archive…', undefined],
    ['FROM x', 'FROM x'],
  ])('of a URL that has %s', async (body, dockerfile) => {
    tools.serve = () => ({ body })
    const context = await openContext({ kind: 'url', url: 'http://example.com/ctx' }, {}, tools)
    expect(context.dockerfile?.toString()).toBe(dockerfile)
    expect(context.folder === undefined).toBe(dockerfile !== undefined)
    await context.close()
    expect(tools.left()).toEqual([])
  })

  test('that fails leaves nothing', async () => {
    tools.unpack = () => Promise.reject(new Error('damaged'))
    await expect(openContext({ kind: 'bytes', bytes: chunks('archive') }, {}, tools)).rejects.toThrow('damaged')
    expect(tools.left()).toEqual([])
  })
})

describe('here-documents', () => {
  test('are files', async () => {
    const folder = await writeInlineFiles(
      [
        { name: 'a', content: '1' },
        { name: 'b', content: '' },
      ],
      tools,
    )
    expect(readFileSync(join(folder.path, 'a'), 'utf8')).toBe('1')
    await folder.close()
    expect(tools.left()).toEqual([])
  })

  test.each(['', '.', '..', 'a/b', '../x', '/x', 'a\0b'])('%j is no name', async (name) => {
    await expect(writeInlineFiles([{ name, content: '' }], tools)).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(tools.left()).toEqual([])
  })
})

test('a work folder is there with its lock until it is closed', async () => {
  const folder = makeWorkFolder(tools)
  writeFileSync(join(folder.path, 'x'), '')
  expect(tools.left().sort()).toEqual([
    expect.stringMatching(/^build-\w+$/),
    expect.stringMatching(/^build-\w+\.lock$/),
  ])
  await folder.close()
  expect(tools.left()).toEqual([])
})
