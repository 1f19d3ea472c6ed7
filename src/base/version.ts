import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** tspod's own version, from its package.json. */
export function programVersion(): string {
  for (const relative of ['..', '../..', '../../..']) {
    const text = readIfThere(join(here, relative, 'package.json'))
    if (text === undefined) continue
    const { name, version } = JSON.parse(text) as { readonly name?: unknown; readonly version?: unknown }
    if (name === 'tspod' && typeof version === 'string') return version
  }
  return 'unknown'
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // not this folder
  }
}

/** The bundle is CommonJS, which has no import.meta; as a module there is no __dirname. */
const here = typeof __dirname === 'string' ? __dirname : import.meta.dirname
