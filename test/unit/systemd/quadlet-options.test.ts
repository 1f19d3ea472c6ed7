import { describe, expect, test } from 'vitest'
import Build from '../../../commands/build.js'
import Pull from '../../../commands/pull.js'
import Run from '../../../commands/run.js'
import VolumeCreate from '../../../commands/volume/create.js'
import type { FlagManifest } from '../../../src/cli/manifest.js'
import { kinds } from '../../../src/systemd/quadlet/convert.js'

type Declared = { readonly flags?: Readonly<Record<string, FlagManifest>>; readonly baseFlags?: object }

function namesOf({ flags, baseFlags }: Declared): Set<string> {
  const all = Object.entries({ ...baseFlags, ...flags } as Readonly<Record<string, FlagManifest>>)
  return new Set(all.flatMap(([name, { aliases = [] }]) => [name, ...aliases]).map((name) => `--${name}`))
}

describe('every key is an option that there is', () => {
  test.each([
    ['container', Run],
    ['volume', VolumeCreate],
    ['image', Pull],
    ['build', Build],
  ] as const)('of a .%s', (kind, Command) => {
    const names = namesOf(Command)
    const flags = kinds[kind].rows.map(({ flag }) => flag.replace(/=.*/, ''))
    expect(flags.filter((flag) => !names.has(flag))).toEqual([])
  })
})
