import { posix } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { ulimitNames } from '../../base/ulimits.js'
import type { Capabilities, Process, Rlimit } from '../../oci/runtime-spec.js'
import { mergeCapabilities } from '../capabilities.js'
import type { CompleteSpec } from '../complete-spec.js'
import type { Ulimit } from '../spec.js'

/** The most that the host allows of one of `ulimitNames`; -1: any amount. */
export type HostLimits = (name: string) => number

/** The process section. Its user is looked up inside the container, by the runtime (`UserPlan`). */
export function processSection(spec: CompleteSpec, host: HostLimits): Process {
  return {
    terminal: spec.tty,
    /* An image's may have `..` behind what is not there; it is read by name, as BuildKit and Docker make the folder. */
    cwd: posix.normalize(spec.workdir),
    env: environment(spec),
    args: [...spec.entrypoint, ...spec.command],
    user: { uid: 0, gid: 0, umask: spec.umask },
    rlimits: rlimits(spec.ulimits, host),
    capabilities: capabilitySets(spec),
    noNewPrivileges: spec.security.noNewPrivileges,
    ...(spec.oomScoreAdj === undefined ? {} : { oomScoreAdj: spec.oomScoreAdj }),
    ...(spec.security.apparmor === undefined || spec.security.apparmor === 'unconfined'
      ? {}
      : { apparmorProfile: spec.security.apparmor }),
  }
}

function environment(spec: CompleteSpec): string[] {
  const names = new Set(spec.env.map((text) => text.slice(0, text.indexOf('='))))
  const own = names.has('HOSTNAME') || spec.hostname === '' ? [] : [`HOSTNAME=${spec.hostname}`]
  return [...spec.env, ...own]
}

/**
 * Root gets what was granted. Another user gets nothing but what was added by name, and that as ambient capabilities,
 * since it would lose the rest at its execve anyway. Inheritable sets stay empty otherwise (CVE-2022-29162).
 */
export function capabilitySets(
  spec: Pick<CompleteSpec, 'user' | 'capabilities' | 'capAdd' | 'privileged'>,
): Capabilities {
  const bounding = spec.capabilities
  if (isRoot(spec.user)) return { bounding, effective: bounding, permitted: bounding, inheritable: [], ambient: [] }
  const added = mergeCapabilities([], spec.capAdd, [])
  return { bounding, effective: added, permitted: added, inheritable: added, ambient: added }
}

export function isRoot(user: string): boolean {
  const [name = ''] = user.split(':', 1)
  return name === '' || name === 'root' || /^0+$/.test(name)
}

const mostFiles = 1_048_576

/**
 * As many files as the host allows, up to a million, as Podman; then what was asked for. Unlimited is as much as the host
 * allows: more is for its root. The specification has unsigned numbers; RLIM_INFINITY does not fit a double, the runtime
 * takes -1 for it.
 */
function rlimits(ulimits: readonly Ulimit[], host: HostLimits): Rlimit[] {
  const most = host('nofile'),
    files = most < 0 ? mostFiles : Math.min(most, mostFiles)
  const named = new Map<string, Rlimit>()
  if (!ulimits.some((limit) => limit.name === 'host')) {
    named.set('nofile', { type: 'RLIMIT_NOFILE', soft: files, hard: files })
  }
  for (const { name, soft, hard } of ulimits) {
    if (name === 'host') continue
    const kind = rlimitName(name)
    const value = (asked: number): number => (asked < 0 ? host(kind) : asked)
    named.set(name, { type: `RLIMIT_${kind.toUpperCase()}`, soft: value(soft), hard: value(hard) })
  }
  return [...named.values()]
}

function rlimitName(name: string): string {
  const lower = name.toLowerCase().replace(/^rlimit_/, '')
  if (ulimitNames.includes(lower)) return lower
  throw new TspodError('invalid-argument', `invalid ulimit type: ${name}`)
}
