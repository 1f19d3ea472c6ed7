import { TspodError } from '../../base/errors.js'
import type { Context } from '../context.js'
import { publishedPorts } from './query.js'
import { findContainer } from './store.js'

/** One published port of a container, and where it is reached on the host. */
export interface PortMapping {
  readonly containerPort: number
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly hostIp: string
  readonly hostPort: number
}

/** The published ports, each of a range by itself; with `wanted` (`80`, `53/udp`) only that, which must be one. */
export function containerPorts(context: Context, nameOrId: string, wanted?: string): PortMapping[] {
  const record = findContainer(context, nameOrId)
  const all = publishedPorts(record).flatMap(({ range, containerPort, hostPort, hostIp, protocol }) =>
    Array.from({ length: range }, (_, index) => ({
      containerPort: containerPort + index,
      hostPort: hostPort + index,
      hostIp,
      protocol,
    })),
  )
  if (wanted === undefined) return all
  const { port, protocol } = parsePort(wanted)
  const found = all.filter((mapping) => mapping.containerPort === port && mapping.protocol === protocol)
  if (found.length > 0) return found
  throw new TspodError('invalid-argument', `failed to find published port "${wanted}"`)
}

function parsePort(text: string): { port: number; protocol: string } {
  const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text)
  const port = Number(match?.[1] ?? 0)
  if (port >= 1 && port <= 65_535) return { port, protocol: match?.[2] ?? 'tcp' }
  throw new TspodError('invalid-argument', `"${text}" is not a port like 80 or 53/udp`)
}
