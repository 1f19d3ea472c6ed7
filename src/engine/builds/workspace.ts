import { chmodSync, mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeWorkFolder, workPrefix, type WorkFolder } from '../../build/context/work-folder.js'
import { giveToContainersRoot } from '../../../rootless/root-caller.js'
import { namesIn } from '../../state/collection.js'
import { ensureFolder, exists, folderMode, removeFolder, writeFile } from '../../state/file.js'
import { tryLock } from '../../state/lock.js'
import type { Context } from '../context.js'
import { clearTree, removeTree } from '../containers/trees.js'

/** The folders that one build works in. What a killed build leaves of them is nobody's, and is swept. */
export interface Workspace {
  /** A new folder for a step's `diff`, given to containers' root; its overlay's work folder is at `work`. */
  place(): StepPlace
  /** A new folder for the bundle of a step, in the run folder. It is not made. */
  runFolder(): string
  /** An empty folder. */
  readonly empty: string
  close(): Promise<void>
}

export interface StepPlace {
  readonly place: string
  readonly diff: string
  readonly work: string
  /** For what else belongs to the step. */
  readonly aside: string
}

/** The folders are made when the first step needs them: where everything is in the cache none does. */
export function openWorkspace(context: Context): Workspace {
  let made: WorkFolder | undefined
  let count = 0
  const work = (): string => {
    if (made === undefined) {
      made = makeWorkFolder({ tmp: context.paths.tmp, remove: (folder) => removeTree(context, folder) })
      chmodSync(made.path, folderMode)
    }
    return made.path
  }
  const run = (): string => {
    const folder = join(runRoot(context), basename(work()))
    ensureFolder(folder)
    return folder
  }
  let empty: string | undefined
  return {
    get empty() {
      if (empty === undefined) {
        empty = join(work(), 'empty')
        mkdirSync(empty, { mode: 0o755 })
      }
      return empty
    },
    place() {
      const place = join(work(), String(++count))
      const aside = `${place}.aside`
      const [diff, overlayWork] = [join(place, 'diff'), join(aside, 'work')]
      mkdirSync(place, { mode: 0o711 })
      mkdirSync(aside, { mode: 0o711 })
      mkdirSync(diff, { mode: 0o755 })
      mkdirSync(overlayWork, { mode: 0o700 })
      giveToContainersRoot(diff)
      giveToContainersRoot(overlayWork)
      return { place, diff, work: overlayWork, aside }
    },
    runFolder: () => join(run(), String(++count)),
    async close() {
      if (made === undefined) return
      removeFolder(join(runRoot(context), basename(made.path)))
      await made.close()
    },
  }
}

/**
 * An overlay's lowest folder in every step: it has what a container's own mounts are made on, so that a start writes
 * nothing into the step's layer.
 */
export function mountpoints(context: Context): string {
  const folder = join(context.paths.cache, 'build', 'mountpoints')
  if (exists(join(folder, 'run', '.containerenv'))) return folder
  makeMountpoints(folder, ownMountpoints)
  return folder
}

/** What every start mounts something on. */
export const ownMountpoints = [
  'dev/',
  'proc/',
  'sys/',
  'etc/hostname',
  'etc/hosts',
  'etc/resolv.conf',
  'run/.containerenv',
]

/** Empty folders (a slash at the end) and files, with the folders above, as containers' root has made them. */
export function makeMountpoints(root: string, paths: readonly string[]): void {
  ensureFolder(dirname(root))
  const made = new Set<string>()
  const makeFolder = (path: string): void => {
    if (made.has(path)) return
    if (path !== root) makeFolder(dirname(path))
    made.add(path)
    if (exists(path)) return
    mkdirSync(path, { recursive: true, mode: 0o755 })
    giveToContainersRoot(path)
  }
  makeFolder(root)
  for (const path of paths) {
    const target = join(root, path)
    if (path.endsWith('/')) makeFolder(target.slice(0, -1))
    else {
      makeFolder(dirname(target))
      if (exists(target)) continue
      writeFile(target, '', { mode: 0o644 })
      giveToContainersRoot(target)
    }
  }
}

/** Clears what killed builds have left in tmp/ and in the run folder. */
export async function sweepBuilds(context: Context): Promise<void> {
  for (const name of namesIn(context.paths.tmp)) if (name.startsWith(workPrefix)) await sweepBuild(context, name)
  for (const name of namesIn(runRoot(context))) {
    if (!exists(join(context.paths.tmp, name))) removeFolder(join(runRoot(context), name))
  }
}

/** One of them, by its name in tmp/ or its lock's there. Containers of its steps ended with it. */
export async function sweepBuild(context: Context, name: string): Promise<void> {
  const folder = join(context.paths.tmp, name.replace(/\.lock$/, ''))
  const lock = tryLock(`${folder}.lock`)
  if (lock === undefined) return
  try {
    removeFolder(join(runRoot(context), basename(folder)))
    await clearTree(folder)
  } finally {
    lock.release({ unlink: true })
  }
}

function runRoot(context: Context): string {
  return join(context.paths.runroot, 'builds')
}
