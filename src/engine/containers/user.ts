import type { CompleteSpec } from '../../container/complete-spec.js'
import type { UserPlan } from '../../runtime/protocol.js'

/** Who the command runs as, and the lines by which programs find that user's name. */
export function userPlan(spec: CompleteSpec, env: Readonly<Record<string, string | undefined>>): UserPlan {
  const passwdEntry = spec.passwd ? (spec.passwdEntry ?? defaultEntry(spec, env)) : undefined
  const groupEntry = spec.passwd ? (spec.groupEntry ?? defaultGroup(spec)) : undefined
  return {
    spec: spec.user,
    groupAdd: spec.groupAdd,
    setHome: !spec.env.some((text) => text.startsWith('HOME=')),
    ...(passwdEntry === undefined ? {} : { passwdEntry: expand(passwdEntry, spec) }),
    ...(groupEntry === undefined ? {} : { groupEntry: expand(groupEntry, spec) }),
  }
}

const numeric = /^(\d{1,10})(?::(\d{1,10}))?$/

/** A user known by number alone gets a line, unless the image has one; with keep-id it has the caller's own name. */
function defaultEntry(spec: CompleteSpec, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const match = numeric.exec(spec.user)
  if (!match?.[1] || Number(match[1]) === 0) return undefined
  const kept = spec.namespaces.user.mode === 'keep-id' ? safeName(env['USER'] ?? env['LOGNAME']) : undefined
  const home = spec.workdir === '/' || kept === undefined ? spec.workdir : `/home/${kept}`
  return `${kept ?? match[1]}:*:${match[1]}:${match[2] ?? '0'}:${kept ?? 'container user'}:${home}:/bin/sh`
}

function defaultGroup(spec: CompleteSpec): string | undefined {
  const group = numeric.exec(spec.user)?.[2]
  return group === undefined || Number(group) === 0 ? undefined : `${group}:x:${group}:`
}

/** No colons and no line ends: one line is not to become two. */
function safeName(name: string | undefined): string | undefined {
  return name !== undefined && /^[a-zA-Z_][\w.-]{0,63}$/.test(name) ? name : undefined
}

/** `$USERNAME`, `$UID`, `$GID`, `$NAME`, `$HOME` in `--passwd-entry`, `$GROUPNAME`, `$GID` and `$USERLIST` in `--group-entry`. */
function expand(entry: string, spec: CompleteSpec): string {
  const [user = '', group = ''] = spec.user.split(':', 2)
  const values: Readonly<Record<string, string>> = {
    USERNAME: user,
    UID: user,
    GID: group === '' ? '0' : group,
    NAME: user,
    HOME: spec.workdir,
    GROUPNAME: group,
    USERLIST: '',
  }
  return entry.replace(/\$([A-Z]+)/g, (text, name: string) => values[name] ?? text)
}
