import { parseNamespace, parseIdMap, parseUserNamespace } from '../parse/namespace.js'
import { parseCapability } from '../parse/security-opt.js'
import { parseUlimit } from '../parse/ulimit.js'
import { parseInteger, parsePair } from '../parse/value.js'
import { asTyped, commaListFlag, listFlag, switchFlag, textFlag, valueFlag } from './define.js'

/** What the container may do, and what it shares. */
export const securityFlags = {
  privileged: switchFlag('Give the container all that its user has'),
  'cap-add': commaListFlag(parseCapability, 'Add a capability', { helpValue: 'CAPABILITY' }),
  'cap-drop': commaListFlag(parseCapability, 'Drop a capability', { helpValue: 'CAPABILITY' }),
  'security-opt': listFlag(asTyped, 'seccomp=, no-new-privileges, label=, apparmor=, mask=, unmask=, proc-opts=', {
    helpValue: 'OPTION',
  }),
  ulimit: listFlag(parseUlimit, 'Set a limit of the processes', { helpValue: 'NAME=SOFT[:HARD]', emptyIsNone: true }),
  sysctl: listFlag(
    (text) => parsePair(text, { needsValue: true }),
    "Set a kernel parameter of the container's namespaces",
    { helpValue: 'KEY=VALUE', emptyIsNone: true },
  ),
  'oom-score-adj': valueFlag(
    (text) => parseInteger(text, -1000, 1000),
    'How likely the kernel picks it when memory is short',
    { helpValue: 'N' },
  ),
  userns: valueFlag(parseUserNamespace, 'host, keep-id, nomap, auto, container:NAME or ns:PATH', { helpValue: 'MODE' }),
  uidmap: listFlag(parseIdMap, 'Map user IDs', { helpValue: 'CONTAINER:HOST:SIZE' }),
  gidmap: listFlag(parseIdMap, 'Map group IDs', { helpValue: 'CONTAINER:HOST:SIZE' }),
  subuidname: textFlag('Whose range of /etc/subuid to take', { helpValue: 'NAME' }),
  subgidname: textFlag('Whose range of /etc/subgid to take', { helpValue: 'NAME' }),
  pid: valueFlag(
    (text) => parseNamespace(text, ['private', 'host']),
    'PID namespace: private, host, container:NAME or ns:PATH',
    { helpValue: 'MODE' },
  ),
  ipc: valueFlag(
    (text) => parseNamespace(text, ['private', 'host', 'none', 'shareable']),
    'IPC namespace: private, host, none, shareable, container:NAME or ns:PATH',
    { helpValue: 'MODE' },
  ),
  uts: valueFlag(
    (text) => parseNamespace(text, ['private', 'host']),
    'UTS namespace: private, host, container:NAME or ns:PATH',
    { helpValue: 'MODE' },
  ),
  cgroupns: valueFlag(
    (text) => parseNamespace(text, ['private', 'host']),
    'Cgroup namespace: private, host, container:NAME or ns:PATH',
    { helpValue: 'MODE' },
  ),
}
