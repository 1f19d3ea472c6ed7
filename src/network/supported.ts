import { TspodError } from '../base/errors.js'
import type { NetworkSpec } from '../container/spec.js'

/** The modes that there are. */
export type SupportedNetwork = Exclude<NetworkSpec, { readonly mode: 'bridge' | 'pasta' }>

/** Throws for a network that comes with a later version. */
export function requireSupported(network: NetworkSpec): asserts network is SupportedNetwork {
  if (network.mode === 'pasta')
    throw new TspodError(
      'not-supported',
      '--network pasta is not supported yet: leave it out, or say --network slirp4netns',
    )
  if (network.mode === 'bridge')
    throw new TspodError(
      'not-supported',
      `--network ${network.networks[0] ?? 'bridge'}: bridge networks are not supported yet, neither the default one nor those of "tspod network", which come with a later version: leave it out, or say --network container:NAME to share one container's network`,
    )
}
