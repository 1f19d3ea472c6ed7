import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { ensureFolder, exists, writeFileAtomic } from '../state/file.js'
import { lookedAt } from '../base/looks.js'
import type { Seccomp } from '../oci/runtime-spec.js'
import { kernelRelease } from '../state/kernel.js'

/** What decides a compiled filter besides the profile's text. */
export interface FilterInput {
  readonly capabilities: readonly string[]
  readonly imageArchitecture: string
}

/** Reads a profile and settles its conditions; given by the engine, since profiles are a container's matter. */
export type ProfileReader = (profile: string, kernel: string) => Promise<Seccomp>

/** Counts up whenever the default profile or the compiler's output changes. */
const generation = 1

/**
 * The file with a profile's compiled filter: from the cache, or compiled once by the native part. Profiles of users are
 * known by their file's identity and time; ours by its generation. No file is read when the filter is there.
 */
export async function compiledFilter(
  cache: string,
  profile: string,
  input: FilterInput,
  read: ProfileReader,
): Promise<string> {
  const folder = join(cache, 'seccomp')
  const path = join(folder, keyOf(profile, input))
  if (exists(path)) return path
  const seccomp = await read(profile, kernelRelease())
  ensureFolder(folder)
  /* Read by the container itself, as its root; half a filter would be refused there at each start, so it is synced. */
  writeFileAtomic(path, await compile(seccomp), { mode: 0o644, sync: true })
  return path
}

/** A file's name: everything that decides, shortened by a hash that only has to tell one user's own profiles apart. */
function keyOf(profile: string, { capabilities, imageArchitecture }: FilterInput): string {
  const parts = [generation, process.arch, imageArchitecture, kernelRelease(), ...capabilities, identity(profile)]
  return `${profile === 'default' ? 'default' : 'profile'}-${hash(parts.join('\n'))}`
}

function identity(profile: string): string {
  if (profile === 'default') return profile
  lookedAt('file', profile)
  const stat = statSync(profile, { throwIfNoEntry: false, bigint: true })
  if (!stat?.isFile())
    throw new TspodError('config-invalid', `opening seccomp profile failed: ${profile}: no such file`)
  return `${profile} ${stat.dev}:${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`
}

/** FNV-1a in two halves. Not a digest: who can write the cache can write the filter. */
function hash(text: string): string {
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ (code + index), 0x01000193)
  }
  return [low, high].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}

async function compile(seccomp: Seccomp): Promise<Buffer> {
  const { runNative } = await import('./native.js')
  return runNative('tspod-runtime', ['seccomp'], { input: JSON.stringify(seccomp) })
}

/** The text of a profile's file. */
export function readProfile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new TspodError('config-invalid', `opening seccomp profile failed: ${path}`, { cause: error })
  }
}
