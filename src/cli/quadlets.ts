import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { QuadletOptions } from '../index.js'
import { readManifest } from './manifest.js'

/** The launcher that this program was started by, for services to call. */
export function ownProgram(): string {
  return join(dirname(realpathSync(process.argv[1] ?? '')), 'tspod')
}

/** What conversions of quadlets need to know of this program. */
export function quadletOptions(): QuadletOptions {
  const { commands } = readManifest()
  const names = new Set(Object.values(commands).flatMap(({ id, aliases }) => [id, ...aliases]))
  return { tspod: ownProgram(), hasCommand: (words) => names.has(words.replaceAll(' ', ':')) }
}
