import { lstatSync, mkdirSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { TspodError } from '../base/errors.js'
import { newId } from '../base/id.js'
import {
  isRootCaller,
  openToContainersRoot,
  requireSameContainersRoot,
  rootFolders,
} from '../../rootless/root-caller.js'
import type { ContainersConf } from '../config/containers-conf.js'
import { ensureFolder, exists, readCached, writeFileAtomic } from '../state/file.js'
import { lookedAt, unrepeatable } from '../base/looks.js'
import { type Paths, pathsOf } from '../state/paths.js'
import type { Context, EngineOptions } from './context.js'
import { bindEngine, type Engine } from './engine.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Opens the engine on this user's folders, which are made if they are missing. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const env = options.env ?? process.env
  const paths = pathsOf(graphrootOf(options, env), runrootOf(options, env))
  const firstSinceBoot = ensureFolders(paths)
  const context = contextOf(options, env, paths)
  if (firstSinceBoot) {
    const { sweepAll } = await import('./containers/sweep.js')
    await sweepAll(context)
  }
  return bindEngine(context)
}

function contextOf(options: EngineOptions, env: Environment, paths: Paths): Context {
  let conf: Promise<ContainersConf> | undefined
  return {
    paths,
    options,
    env,
    clock: () => new Date(),
    newId,
    log: (level, message) => {
      if (level === 'warn' || level === 'error') unrepeatable(message)
      options.onLog?.(level, message)
    },
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    conf: () => (conf ??= readConf(env, options.modules ?? [], paths.cache)),
  }
}

async function readConf(env: Environment, modules: readonly string[], cache: string): Promise<ContainersConf> {
  const { readContainersConf } = await import('../config/containers-conf.js')
  const path = join(cache, 'containers-conf.json')
  const kept = {
    read: () => readCached(path),
    write: (value: object) => writeFileAtomic(path, JSON.stringify(value)),
  }
  return readContainersConf(env, kept, modules)
}

function graphrootOf(options: EngineOptions, env: Environment): string {
  const chosen = options.root ?? env['TSPOD_ROOT']
  if (chosen !== undefined && chosen !== '') return resolve(chosen)
  if (isRootCaller(env)) return rootFolders.graphroot
  const data = absolute(env['XDG_DATA_HOME']) ?? join(requireHome(env), '.local', 'share')
  return join(data, 'tspod')
}

/** Without a session's folder one in /tmp stands in, if nobody else can have made it. */
function runrootOf(options: EngineOptions, env: Environment): string {
  const chosen = options.runroot ?? env['TSPOD_RUNROOT']
  if (chosen !== undefined && chosen !== '') return resolve(chosen)
  if (isRootCaller(env)) return rootFolders.runroot
  const session = absolute(env['XDG_RUNTIME_DIR'])
  if (session !== undefined && isOwn(session)) return join(session, 'tspod')
  const fallback = `/tmp/tspod-run-${process.getuid?.() ?? 0}`
  mkdirIfMissing(fallback)
  if (isOwn(fallback)) return fallback
  throw new TspodError('host-requirement', `XDG_RUNTIME_DIR is not set and ${fallback} is somebody else's`)
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}

function requireHome(env: Environment): string {
  const home = absolute(env['HOME'])
  if (home === undefined) throw new TspodError('host-requirement', 'HOME is not set: say --root, or set TSPOD_ROOT')
  return home
}

function isOwn(path: string): boolean {
  lookedAt('entry', path)
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat !== undefined && stat.isDirectory() && stat.uid === process.getuid?.()
}

function mkdirIfMissing(path: string): void {
  if (!exists(path)) mkdirSync(path, { mode: 0o700, recursive: true })
}

/** Two looks in the usual case. Says whether the run folder was missing: then nothing of before this boot runs any more. */
function ensureFolders(paths: Paths): boolean {
  const hasRun = exists(paths.locks)
  if (!exists(paths.tmp)) {
    ensureFolder(paths.graphroot)
    openToContainersRoot(paths.graphroot)
    for (const path of [paths.images, paths.layers, paths.containers, paths.names, paths.volumes, paths.cache]) {
      ensureFolder(path)
    }
    ensureFolder(paths.tmp)
  } else requireSameContainersRoot(paths.graphroot)
  if (hasRun) return false
  ensureFolder(paths.runContainers)
  openToContainersRoot(paths.runroot)
  ensureFolder(join(paths.runroot, 'root'))
  ensureFolder(paths.locks)
  return true
}
