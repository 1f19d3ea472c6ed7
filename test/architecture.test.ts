import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const maximumLines = 400

/** ARCHITECTURE.md, “Layers”: a folder imports only from rows below its own. */
const rows: readonly (readonly string[])[] = [
  ['commands'],
  ['src/cli'],
  ['src/index.ts'],
  ['src/engine'],
  ['src/build', 'src/container', 'src/image', 'src/network', 'src/storage', 'src/systemd'],
  ['rootless'],
  ['src/runtime'],
  ['src/state', 'src/config'],
  ['src/oci', 'src/base'],
]

/** Layers that may only reach what is named, however far below the rest lies. */
const narrow: Readonly<Record<string, readonly string[]>> = {
  commands: ['src/cli', 'src/index.ts', 'src/base'],
  'src/cli': ['src/index.ts', 'src/base'],
}

/** One door for each dependency: the only files that import it. */
const doors: Readonly<Record<string, RegExp>> = {
  execa: /^src\/runtime\/command\.ts$/,
  ora: /^src\/cli\/output\/progress\.ts$/,
  'smol-toml': /^src\/config\/toml\.ts$/,
  yaml: /^src\/config\/yaml\.ts$/,
  '@oclif/core': /^(?:src\/cli|commands)\//,
}

/** Costly modules that nothing may load before it needs them. */
const onlyLazily = ['execa', 'ora']

interface Import {
  readonly from: string
  /** A file of ours, or a package's name. */
  readonly to: string
  readonly typeOnly: boolean
  readonly lazy: boolean
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

const files = ['commands', 'src', 'rootless'].flatMap(sources)
const imports = files.flatMap(importsOf)

function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), 'utf8')
  const fixed = [
    ...text.matchAll(/^(?:import|export)\s+(type\s+)?(?:([\w$*{},\s]*?)\s*from\s+)?['"]([^'"]+)['"]/gm),
  ].map(([, type, names = '', to = '']): Import => ({
    from,
    to: resolve(from, to),
    typeOnly: type !== undefined || onlyTypes(names),
    lazy: false,
  }))
  const lazy = [...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map(([, to = '']): Import => ({
    from,
    to: resolve(from, to),
    typeOnly: false,
    lazy: true,
  }))
  return [...fixed, ...lazy]
}

/** `import { type A, type B } from` */
function onlyTypes(names: string): boolean {
  const listed = /^\{([^}]*)\}$/s
    .exec(names.trim())?.[1]
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return listed !== undefined && listed.length > 0 && listed.every((name) => name.startsWith('type '))
}

function resolve(from: string, to: string): string {
  if (to.startsWith('.')) return normalize(join(dirname(from), to)).replace(/\.js$/, '.ts')
  return to.startsWith('@')
    ? to.split('/').slice(0, 2).join('/')
    : to.startsWith('node:')
      ? to
      : (to.split('/')[0] ?? to)
}

function layerOf(file: string): string | undefined {
  return rows.flat().find((layer) => file === layer || file.startsWith(`${layer}/`))
}

function rowOf(layer: string): number {
  return rows.findIndex((row) => row.includes(layer))
}

const ours = imports.filter(({ to }) => layerOf(to) !== undefined)

describe('layers', () => {
  test('every source file belongs to one', () => {
    expect(files.filter((file) => layerOf(file) === undefined)).toEqual([])
  })

  test('none imports from a row above it, or a value from its own row', () => {
    const wrong = ours.filter(({ from, to, typeOnly }) => {
      const [above, below] = [layerOf(from), layerOf(to)]
      if (above === undefined || below === undefined || above === below) return false
      return (
        rowOf(below) < rowOf(above) || (rowOf(below) === rowOf(above) && !typeOnly && rowOf(above) < rows.length - 1)
      )
    })
    expect(wrong.map(describeImport)).toEqual([])
  })

  test('the command line reaches nothing but the public interface', () => {
    const wrong = ours.filter(({ from, to }) => {
      const [above, below] = [layerOf(from), layerOf(to)]
      if (above === undefined || below === undefined || above === below) return false
      return narrow[above] !== undefined && !narrow[above].includes(below)
    })
    expect(wrong.map(describeImport)).toEqual([])
  })
})

function describeImport({ from, to }: Import): string {
  return `${from} imports ${to}`
}

test('no import cycles', () => {
  const graph = new Map<string, string[]>()
  for (const { from, to, typeOnly } of ours) if (!typeOnly) graph.set(from, [...(graph.get(from) ?? []), to])
  expect(findCycle(graph)).toEqual([])
})

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return []
    path.push(file)
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next)
      if (cycle.length > 0) return cycle
    }
    path.pop()
    done.add(file)
    return []
  }
  for (const file of graph.keys()) {
    const cycle = visit(file)
    if (cycle.length > 0) return cycle
  }
  return []
}

describe('dependencies', () => {
  test.each(Object.entries(doors))('%s has one door', (name, door) => {
    const importers = imports.filter(({ to, typeOnly }) => to === name && !typeOnly).map(({ from }) => from)
    expect(importers.filter((from) => !door.test(from))).toEqual([])
  })

  test('no command loads a costly one by being loaded', () => {
    const eager = loadedBy(files.filter((file) => file.startsWith('commands/') || file === 'src/index.ts'))
    const wrong = imports.filter(
      ({ from, to, typeOnly, lazy }) => eager.has(from) && onlyLazily.includes(to) && !typeOnly && !lazy,
    )
    expect(wrong.map(describeImport)).toEqual([])
  })
})

/** The files that these load at once, without any `import()`. */
function loadedBy(entries: readonly string[]): ReadonlySet<string> {
  const loaded = new Set(entries)
  for (const file of loaded) {
    for (const { from, to, typeOnly, lazy } of ours) if (from === file && !typeOnly && !lazy) loaded.add(to)
  }
  return loaded
}

test(`no file is longer than ${maximumLines} lines`, () => {
  const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > maximumLines)
  expect(long).toEqual([])
})
