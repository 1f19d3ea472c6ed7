import { accessSync, constants } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { ContainersConf } from '../../config/containers-conf.js'

const usualFolders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/bin', '/sbin']

/** The program of another OCI runtime: a path, a name in containers.conf's table, or a name in PATH. */
export function findRuntime(
  name: string,
  conf: ContainersConf,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const inPath = [...(env['PATH'] ?? '').split(':'), ...usualFolders]
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
  const candidates = name.includes('/') ? [name] : [...(conf.engine.runtimes?.[name] ?? []), ...inPath]
  const found = candidates.find((path) => isAbsolute(path) && isExecutable(path))
  if (found !== undefined) return found
  throw new TspodError('host-requirement', `OCI runtime "${name}" was not found`)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
