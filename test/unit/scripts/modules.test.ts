import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { collectModules } from '../../../scripts/build/modules.mjs'

const options = { target: 'node20', charset: 'ascii', minify: true, shared: {} } as const
const nodeModule = createRequire(import.meta.url)
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tspod-modules-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

/** What bin/tspod.cjs does with the table, and which modules were evaluated meanwhile. */
async function evaluate(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  const { modules, numberOf } = await collectModules(root, ['main.ts'], options)
  const done: Record<string, unknown>[] = []
  const evaluated: string[] = []
  const load = (number: number): unknown => {
    const { name = '', code, external } = modules[number] ?? {}
    if (external !== undefined) return nodeModule(external)
    if (done[number] !== undefined) return done[number]
    const exports = (done[number] = {})
    evaluated.push(name)
    const table = runInNewContext(`($i)=>({m${code ?? ''}})`) as (load: unknown) => { m(exports: object): void }
    table(load).m(exports)
    return exports
  }
  return { main: load(numberOf('main.ts')) as Record<string, () => unknown>, evaluated }
}

describe('a module of the program', () => {
  test('is evaluated at the first use of something in it', async () => {
    const { main, evaluated } = await evaluate({
      'main.ts': `import { one } from './one.js'
        import { two } from './two.js'
        export const useOne = () => one
        export const useTwo = () => two`,
      'one.ts': 'export const one = 1',
      'two.ts': 'export const two = 2',
    })
    expect(evaluated).toEqual(['main.ts'])
    expect([main['useTwo']?.(), main['useTwo']?.()]).toEqual([2, 2])
    expect(evaluated).toEqual(['main.ts', 'two.ts'])
  })

  test.each([
    ['a call', 'twice(4)', 8],
    ['a class', 'new Box(3).value', 3],
    ['a spread', '[...list]', [1, 2]],
    ['a shorthand property', '({ list }).list', [1, 2]],
    ['a property of that name', '({ list: 5, x: { list: 6 } }).x.list', 6],
    ['what is exported again', 'base', 'deep'],
    ['a module of Node', 'join("a", "b")', 'a/b'],
    ['another name', 'renamed', 'by another'],
    [
      'something beside names that stand for nothing',
      '(({ __, _, ...left }) => [twice(1), left])({ __: 1, _: 2 })',
      [2, {}],
    ],
  ])('finds %s of another', async (_what, expression, value) => {
    const { main } = await evaluate({
      'main.ts': `import { join } from 'node:path'
        import { Box, list, twice, base, named as renamed, type Kind } from './parts.js'
        export const result = (): unknown => ${expression}
        export const others = (kind: Kind) => [join, Box, list, twice, base, renamed, kind]`,
      'parts.ts': `export { base } from './deep.js'
        export type Kind = 'a'
        export class Box { constructor(readonly value: number) {} }
        export const list = [1, 2]
        export const named = 'by another'
        export function twice(value: number) { return 2 * value }`,
      'deep.ts': `export const base = 'deep'`,
    })
    expect(main['result']?.()).toEqual(value)
  })

  test('imports others later, when it is told to', async () => {
    const { main, evaluated } = await evaluate({
      'main.ts': `export const later = async () => (await import('./later.js')).default`,
      'later.ts': `export default 'now'`,
    })
    expect(evaluated).toEqual(['main.ts'])
    expect(await main['later']?.()).toBe('now')
  })

  test.each([
    ['a package that has no door', `export { x } from 'left-pad'`, /left-pad/],
    ['a file that does not exist', `export { x } from './gone.js'`, /gone\.js, which does not exist/],
    ['the name that the build calls imports by', `export const $i = 1`, /\$i is the build's own name/],
    ['Node as a default', `import fs from 'node:fs'\nexport const x = fs`, /import what node:fs has by name/],
  ])('cannot import %s', async (_what, text, message) => {
    await expect(evaluate({ 'main.ts': text })).rejects.toThrow(message)
  })
})
