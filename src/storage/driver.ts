import { lstatSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { newId } from '../base/id.js'
import type { UsernsPlan } from '../runtime/protocol.js'
import { ensureFolder, readCached, readText, writeFileAtomic } from '../state/file.js'
import { lookedAt } from '../base/looks.js'
import type { Paths } from '../state/paths.js'
import { kernelRelease } from '../state/kernel.js'

export type StorageDriverName = 'overlay' | 'fuse-overlayfs' | 'copy'

/** How container roots come about here, and why so. */
export interface StorageDriver {
  readonly name: StorageDriverName
  /** fuse-overlayfs: where it is. */
  readonly program?: string
  /** One line for `tspod info`. */
  readonly reason: string
}

export interface DriverOptions {
  readonly plan: UsernsPlan
  /** `--storage-driver`: this one or none. */
  readonly forced?: StorageDriverName | undefined
  /** Where fuse-overlayfs is looked for after the places that distributions use. */
  readonly searchPath?: string | undefined
}

/**
 * The best driver that works on the file system of the graphroot: the kernel's overlay, fuse-overlayfs, copies. Tried out
 * once per boot and kernel, then remembered in cache/.
 */
export async function chooseDriver(
  paths: Pick<Paths, 'graphroot' | 'cache' | 'tmp'>,
  options: DriverOptions,
): Promise<StorageDriver> {
  const file = join(paths.cache, `storage-driver${options.forced === undefined ? '' : `-${options.forced}`}.json`)
  const key = cacheKey(paths, options)
  const known = rememberedDriver(file, key)
  if (known !== undefined) return known
  const driver = await (options.forced === undefined
    ? tryInTurn(paths, options)
    : requireDriver(paths, options.forced, options))
  ensureFolder(paths.cache)
  writeFileAtomic(file, JSON.stringify({ version: 1, key, driver }))
  return driver
}

async function tryInTurn(paths: Pick<Paths, 'tmp'>, options: DriverOptions): Promise<StorageDriver> {
  const overlay = await tryOverlay(paths, options.plan)
  if (overlay === undefined) return { name: 'overlay', reason: 'the kernel mounts overlays in user namespaces' }
  const program = findProgram(options.searchPath)
  const fuse = await tryFuse(paths, program, options.plan)
  if (fuse === undefined && program !== undefined) {
    return { name: 'fuse-overlayfs', program, reason: `the kernel's overlay does not work here (${overlay})` }
  }
  return { name: 'copy', reason: `no overlay works here (kernel: ${overlay}; fuse-overlayfs: ${fuse ?? 'missing'})` }
}

async function requireDriver(
  paths: Pick<Paths, 'tmp'>,
  name: StorageDriverName,
  options: DriverOptions,
): Promise<StorageDriver> {
  const reason = `asked for by --storage-driver`
  if (name === 'copy') return { name, reason }
  const program = name === 'fuse-overlayfs' ? findProgram(options.searchPath) : undefined
  const failure = await (name === 'overlay' ? tryOverlay(paths, options.plan) : tryFuse(paths, program, options.plan))
  if (failure !== undefined)
    throw new TspodError('host-requirement', `storage driver ${name} does not work here: ${failure}`)
  return { name, reason, ...(program === undefined ? {} : { program }) }
}

function tryOverlay(paths: Pick<Paths, 'tmp'>, plan: UsernsPlan): Promise<string | undefined> {
  return tryOut(paths, plan, [])
}

async function tryFuse(
  paths: Pick<Paths, 'tmp'>,
  program: string | undefined,
  plan: UsernsPlan,
): Promise<string | undefined> {
  if (program === undefined) return 'it is not installed (apt-get install fuse-overlayfs)'
  if (statSync('/dev/fuse', { throwIfNoEntry: false }) === undefined) return '/dev/fuse is missing'
  return tryOut(paths, plan, ['--program', program])
}

/** Mounts an overlay, removes and replaces things in it. Why it does not work, or undefined if it does. */
async function tryOut(
  paths: Pick<Paths, 'tmp'>,
  plan: UsernsPlan,
  options: readonly string[],
): Promise<string | undefined> {
  const { runInside } = await import('./inside.js')
  const { removeTrees } = await import('./remove.js')
  const folder = join(paths.tmp, `probe-${newId()}`)
  const [lower, upper, work, mountpoint] = ['lower', 'upper', 'work', 'mount'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  mkdirSync(join(lower, 'folder'), { recursive: true })
  for (const path of [upper, work, mountpoint]) mkdirSync(path)
  for (const name of ['file', 'folder/inner']) writeFileSync(join(lower, name), '')
  try {
    const folders = ['--lower', lower, '--upper', upper, '--work', work, '--mountpoint', mountpoint]
    await runInside('probe', plan, [...folders, ...options])
    return undefined
  } catch (error) {
    if (error instanceof TspodError && error.code !== 'internal') return error.message
    throw error
  } finally {
    /* Where no namespace can be entered, nothing of another's was made either. */
    await removeTrees([folder], plan).catch(() => rmSync(folder, { recursive: true, force: true }))
  }
}

/** fuse-overlayfs: where distributions put it, then in PATH. */
function findProgram(searchPath = ''): string | undefined {
  const folders = ['/usr/bin', '/usr/local/bin', ...searchPath.split(':')].filter((folder) => folder.startsWith('/'))
  return folders
    .map((folder) => join(folder, 'fuse-overlayfs'))
    .find((path) => {
      lookedAt('file', path)
      const stat = statSync(path, { throwIfNoEntry: false })
      return stat?.isFile() === true && (stat.mode & 0o111) !== 0
    })
}

function cacheKey(paths: Pick<Paths, 'graphroot'>, { plan, searchPath }: DriverOptions): string {
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  lookedAt('entry', paths.graphroot)
  const device = lstatSync(paths.graphroot, { throwIfNoEntry: false })?.dev ?? 0
  const program = statSync(findProgram(searchPath) ?? '/nonexistent', { throwIfNoEntry: false })?.mtimeMs ?? 0
  return [boot, kernelRelease(), device, plan.mode, plan.writer, program].join(' ')
}

function rememberedDriver(file: string, key: string): StorageDriver | undefined {
  const value = readCached(file)
  return isRemembered(value) && value.key === key ? value.driver : undefined
}

function isRemembered(value: unknown): value is { readonly key: string; readonly driver: StorageDriver } {
  if (typeof value !== 'object' || value === null || !('key' in value) || !('driver' in value)) return false
  const { driver } = value
  return (
    typeof driver === 'object' &&
    driver !== null &&
    'name' in driver &&
    'reason' in driver &&
    typeof driver.reason === 'string' &&
    (driver.name === 'overlay' || driver.name === 'copy' || (driver.name === 'fuse-overlayfs' && 'program' in driver))
  )
}
