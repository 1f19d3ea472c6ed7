import { TspodError } from '../base/errors.js'
import type { NetworkSpec, PortSpec } from '../container/spec.js'
import type { NetworkPlan } from '../runtime/protocol.js'
import { requireSupported } from './supported.js'
import { parseSlirpOptions, slirpAddresses, slirpArgv, slirpRequests, slirpSocket } from './slirp4netns.js'

export interface NetworkRequest {
  readonly id: string
  readonly network: NetworkSpec
  /** Every one with its host port. */
  readonly publish: readonly PortSpec[]
  /** The container's run folder. */
  readonly runDir: string
  /** Where slirp4netns is; undefined: not installed. */
  readonly slirp4netns: string | undefined
  /** net.ipv4.ip_unprivileged_port_start */
  readonly firstUnprivilegedPort: number
}

/** How a container gets its network, and what it needs to know of it. */
export interface NetworkSetup {
  readonly plan: NetworkPlan
  /** The container's own address, if it has one. */
  readonly address?: string
  /** A name server of the helper's. */
  readonly dns?: string
  /** The address at which the host's loopback is reached, if it is. */
  readonly hostLoopback?: string
  readonly warnings: readonly string[]
}

/** Picks the mode's plan. Everything here is arithmetic: nothing is started. */
export function setupNetwork(request: NetworkRequest): NetworkSetup {
  const { network, publish } = request
  requireSupported(network)
  switch (network.mode) {
    case 'slirp4netns':
      return setupSlirp(request, network.options)
    case 'none':
      return { plan: { mode: 'none', loopback: true }, warnings: discarded(publish, 'none') }
    case 'host':
      return { plan: { mode: 'host', loopback: false }, warnings: discarded(publish, 'host') }
    case 'container':
    case 'path':
      if (publish.length > 0)
        throw new TspodError(
          'invalid-argument',
          'ports cannot be published in a network namespace of another: publish them there',
        )
      return { plan: { mode: 'join', loopback: false }, warnings: [] }
  }
}

function setupSlirp(request: NetworkRequest, given: Readonly<Record<string, string>>): NetworkSetup {
  const { publish, slirp4netns } = request
  const options = parseSlirpOptions(given)
  if (slirp4netns === undefined)
    throw new TspodError(
      'host-requirement',
      'slirp4netns is not installed: apt-get install slirp4netns, or say --network none or host',
    )
  requireAllowedPorts(publish, request.firstUnprivilegedPort)
  const { container, dns, gateway } = slirpAddresses(options)
  const publishes = publish.length > 0
  return {
    plan: {
      mode: 'slirp4netns',
      loopback: true,
      helper: slirpArgv(slirp4netns, options, publishes),
      ...(publishes ? { apiSocket: slirpSocket(request.runDir), apiRequests: slirpRequests(publish, options) } : {}),
    },
    address: container,
    dns,
    ...(options.allowHostLoopback ? { hostLoopback: gateway } : {}),
    warnings: options.warnings,
  }
}

function requireAllowedPorts(publish: readonly PortSpec[], first: number): void {
  const low = publish.find(({ hostPort }) => hostPort !== undefined && hostPort < first)
  if (low === undefined) return
  const port = String(low.hostPort)
  throw new TspodError(
    'host-requirement',
    `host port ${port} is for root only: publish another one, or as root: sysctl net.ipv4.ip_unprivileged_port_start=${port}`,
  )
}

function discarded(publish: readonly PortSpec[], mode: string): string[] {
  return publish.length === 0 ? [] : [`published ports are ignored: --network ${mode} has none of its own`]
}
