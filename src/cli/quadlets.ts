import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { QuadletOptions } from '../index.js'

/** The launcher that this program was started by, for services to call. */
export function ownProgram(): string {
  return join(dirname(realpathSync(process.argv[1] ?? '')), 'tspod')
}

/** What conversions of quadlets need to know of this program. */
export function quadletOptions(): QuadletOptions {
  return { tspod: ownProgram() }
}
