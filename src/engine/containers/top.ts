import { readFileSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import type { Context } from '../context.js'
import { isUp, observe } from './observe.js'
import { containerProcesses } from './processes.js'
import { findContainer } from './store.js'
import { containerIds } from './proc-users.js'
import { topArguments } from './top-arguments.js'
import { descriptors, type Descriptor, type Surroundings } from './top-descriptors.js'

const byDefault = ['user', 'pid', 'ppid', 'pcpu', 'etime', 'tty', 'time', 'args']

/** A heading for each descriptor, and a row for each process. Nothing of the image is executed: /proc tells all. */
export interface TopTable {
  readonly headings: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The processes of a running container; `names` are descriptors of Podman's, long (`pid`) or short (`%p`). */
export function topContainer(context: Context, nameOrId: string, names: readonly string[] = []): TopTable {
  const chosen = names.length === 0 ? byDefault : topArguments(names)
  const columns = chosen.map(descriptorOf)
  const record = findContainer(context, nameOrId)
  const seen = observe(context, record.id)
  if (!isUp(seen) || seen.pid === 0)
    throw new TspodError('container-not-running', 'top can only be used on running containers')
  const surroundings: Surroundings = {
    ids: containerIds(seen.pid),
    uptimeSeconds: Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]),
    now: context.clock(),
  }
  const processes = containerProcesses(seen.pid)
  const numbers = new Map(processes.map(({ hostPid, pid }) => [hostPid, pid]))
  return {
    headings: columns.map(({ heading }) => heading),
    rows: processes.map((process) =>
      columns.map(({ cell }) => cell({ ...process, parent: numbers.get(process.hostParent) ?? 0 }, surroundings)),
    ),
  }
}

/** What `top` can tell. */
export function topDescriptors(): string[] {
  return Object.keys(descriptors)
}

function descriptorOf(name: string): Descriptor {
  const found = name.startsWith('%')
    ? Object.values(descriptors).find(({ short }) => short === name)
    : Object.hasOwn(descriptors, name.toLowerCase())
      ? descriptors[name.toLowerCase()]
      : undefined
  if (found) return found
  throw new TspodError(
    'invalid-argument',
    `unknown descriptor "${name}": tspod executes no ps(1) in the container; it knows ${topDescriptors().join(', ')}`,
  )
}
