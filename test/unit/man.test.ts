import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { optionsOf, readPage } from '../../scripts/man/page.mjs'
import { toRoff } from '../../scripts/man/roff.mjs'
import { globalFlags } from '../../src/cli/argv.js'
import type { FlagManifest } from '../../src/cli/manifest.js'

const root = join(import.meta.dirname, '..', '..')
const man = join(root, 'man')

interface Declared {
  readonly hidden?: boolean
  readonly summary?: string
  readonly flags?: Readonly<Record<string, FlagManifest>>
  readonly baseFlags?: Readonly<Record<string, FlagManifest>>
}

const commands = await Promise.all(
  readdirSync(join(root, 'commands'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.startsWith('__'))
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name)
      const words = relative(join(root, 'commands'), path).replace(/\.ts$/, '').split('/')
      const { default: declared } = (await import(path)) as { default: Declared }
      return { page: ['tspod', ...words].join('-'), declared }
    }),
)

/** `--name -n VALUE` of each option, in the order of the alphabet, so that a difference is one line. */
function described(page: string): string[] {
  const options = optionsOf(readPage(man, page))
  return options.map(({ names, letters, takesValue }) => line(names, letters, takesValue)).sort()
}

function declaredOptions({ flags, baseFlags }: Declared): string[] {
  return Object.entries({ ...baseFlags, ...flags })
    .filter(([, flag]) => flag.hidden !== true)
    .map(([name, flag]) =>
      line([name, ...(flag.aliases ?? [])], flag.char === undefined ? [] : [flag.char], flag.type === 'option'),
    )
    .sort()
}

function line(names: readonly string[], letters: readonly string[], takesValue: boolean): string {
  return [
    ...names.map((name) => `--${name}`),
    ...letters.map((letter) => `-${letter}`),
    ...(takesValue ? ['VALUE'] : []),
  ].join(' ')
}

describe.each(commands)('$page', ({ page, declared }) => {
  test('has a page', () => {
    expect(existsSync(join(man, `${page}.md`)), `man/${page}.md`).toBe(true)
  })

  test.skipIf(!existsSync(join(man, `${page}.md`)))('has exactly the options that its page describes', () => {
    expect(described(page)).toEqual(declaredOptions(declared))
  })

  test.skipIf(!existsSync(join(man, `${page}.md`)))('is called on its page what its help calls it', () => {
    expect(readPage(man, page).split('\n')[2]).toBe(`${declared.summary ?? ''}.`)
  })
})

const pages = readdirSync(man)
  .filter((name) => name.endsWith('.md'))
  .map((name) => name.replace(/\.md$/, ''))

describe.each(pages)('page %s', (page) => {
  const text = readPage(man, page)

  test('has the sections of a manual page', () => {
    const sections = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title)
    expect(text).toMatch(new RegExp(`^# ${page}\n\n\\S.*\\.\n\n## Synopsis\n`))
    expect(sections.slice(0, 2)).toEqual(['Synopsis', 'Description'])
    expect(sections.at(-1)).toBe('See also')
  })

  test('belongs to a command', () => {
    expect([...commands.map((command) => command.page), 'tspod']).toContain(page)
  })

  test('becomes roff whose lines are no accidental requests', () => {
    const roff = toRoff(text, page, '0.0.0')
    const requests = [...roff.matchAll(/^[.'](\S+)/gm)].map(([, request]) => request)
    expect(requests.filter((request) => !/^(?:TH|SH|SS|PP|TP|IP|RS|RE|nf|fi)$/.test(request ?? ''))).toEqual([])
  })
})

test('tspod(1) describes the global options', () => {
  const names = optionsOf(readPage(man, 'tspod')).flatMap((option) => option.names)
  expect(names).toEqual([...Object.keys(globalFlags), 'version', 'help'])
})

test('no file of shared options is left over', () => {
  const included = new Set(
    pages.flatMap((page) =>
      [...readFileSync(join(man, `${page}.md`), 'utf8').matchAll(/^@include (\S+)/gm)].map(([, name]) => name),
    ),
  )
  const files = readdirSync(join(man, 'options')).map((name) => name.replace(/\.md$/, ''))
  expect(files.filter((name) => !included.has(name))).toEqual([])
})
