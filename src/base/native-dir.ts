import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from './errors.js'

/** The path of a file of native/ (`tspod-runtime`, `tspod-inside`, `addon.node`), built or installed. */
export function nativeFile(name: string): string {
  const path = found.get(name) ?? findNativeFile(name)
  found.set(name, path)
  return path
}

const found = new Map<string, string>()

function findNativeFile(name: string): string {
  const forced = process.env['TSPOD_NATIVE_DIR']
  if (forced !== undefined && forced !== '') return join(forced, name)
  for (const relative of places) {
    const path = join(here, relative, name)
    if (existsSync(path)) return path
  }
  throw new TspodError('host-requirement', `${name} is missing: run "make -C native", or set TSPOD_NATIVE_DIR`)
}

/** Beside the bundle (dist/native), from a chunk below it, the build folder of a checkout from dist/ or src/base/. */
const places = ['native', '../native', '../native/build', '../../native/build', '../../../native/build'] as const

/** The bundle is CommonJS, which has no import.meta; as a module there is no __dirname. */
const here = typeof __dirname === 'string' ? __dirname : import.meta.dirname
