import { join } from 'node:path'
import { lookedAtFile, lookedAtVariable, observe, observed } from '../base/looks.js'
import { nativeFile } from '../base/native-dir.js'
import type { EngineOptions } from '../index.js'
import { globalFlags, type GlobalValues } from './argv.js'

/**
 * Flags of `run` whose meaning is in the command line, the environment and the folder alone. The others read files or
 * descriptors, write some, or take what is free at the moment.
 */
const repeatable = new Set(
  `add-host annotation attach cap-add cap-drop cgroup-parent cgroupns cgroups cpu-period cpu-quota cpu-shares cpus
  cpuset-cpus cpuset-mems detach detach-keys dns dns-option dns-search entrypoint env expose group-add hostname init
  interactive ipc label log-driver log-opt memory memory-reservation memory-swap mount name net network no-healthcheck
  no-hostname no-hosts oom-score-adj pid pids-limit privileged pull quiet read-only read-only-tmpfs rm security-opt
  shm-size sig-proxy stop-signal stop-timeout sysctl systemd timeout tmpfs tty ulimit umask unsetenv user uts volume
  workdir`.split(/\s+/),
)

/**
 * Tells the engine that starts of this command line may be kept, if that is so. From here on it is noted what is looked
 * at, of this process's environment, too: what was read before was the command line alone.
 */
export function repeatableRun(given: ReadonlySet<string>, globals: GlobalValues): EngineOptions {
  if (process.env['TSPOD_KEPT_STARTS'] === 'off') return {}
  if (![...given].every((flag) => repeatable.has(flag)) || globals['log-level'] !== undefined) return {}
  const cwd = workingFolder()
  if (cwd === undefined) return {}
  const observation = observe()
  /* Another version may do it in another way. Every build writes this script anew, with the hash of all. */
  for (const path of [join(import.meta.dirname, 'tspod.cjs'), nativeFile('tspod-runtime')]) lookedAtFile(path)
  for (const { env } of Object.values(globalFlags)) if (env !== undefined) lookedAtVariable(env, process.env[env])
  /* `-v ~/x:/y` was read by it, before. */
  lookedAtVariable('HOME', process.env['HOME'])
  process.env = observed(process.env)
  return { repeatable: { argv: process.argv.slice(2), cwd, observation } }
}

/** Undefined if it has gone: a start does without, but is not found again by it. */
function workingFolder(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}
