import { TspodError } from '../../base/errors.js'
import {
  matchedLength,
  matchRegistry,
  type RegistriesConfig,
  type RegistryEntry,
} from '../../config/registries-conf.js'
import { defaultDomain, formatReference, parseReference, repositoryOf, type Reference } from '../reference.js'
import { isLoopbackHost } from './proxy.js'

/** One place where an image may be: the reference as its server knows it. */
export interface Endpoint {
  readonly reference: Reference
  /** `host[:port]` to connect to. */
  readonly host: string
  /** Certificates are not checked, and plain HTTP is spoken where there is no TLS. */
  readonly insecure: boolean
}

export interface EndpointOptions {
  readonly config: RegistriesConfig
  /** `--tls-verify`; undefined: registries.conf decides. */
  readonly tlsVerify?: boolean | undefined
  /** Mirrors are for reading. */
  readonly forWriting?: boolean
}

/** The mirrors, in order, then the location itself. */
export function endpointsFor(reference: Reference, options: EndpointOptions): readonly Endpoint[] {
  const name = formatReference(reference)
  const entry = matchRegistry(options.config, repositoryOf(reference))
  if (entry?.blocked === true) {
    throw new TspodError(
      'registry-denied',
      `registry ${entry.prefix} is blocked in ${options.config.path} or its drop-ins; ${name} is not read`,
    )
  }
  const own = rewritten(reference, entry, entry?.location)
  const mirrors = options.forWriting === true || entry === undefined ? [] : entry.mirrors
  return [
    ...mirrors
      .filter(
        (mirror) =>
          mirror.pullFrom === 'all' || (mirror.pullFrom === 'digest-only') === (reference.digest !== undefined),
      )
      .map((mirror) => endpoint(rewritten(reference, entry, mirror.location), mirror.insecure, options.tlsVerify)),
    endpoint(own, entry?.insecure ?? false, options.tlsVerify),
  ]
}

/** Docker Hub's registry is not at its name. */
export function registryHost(domain: string): string {
  return domain === defaultDomain ? 'registry-1.docker.io' : domain
}

function endpoint(reference: Reference, configured: boolean, tlsVerify: boolean | undefined): Endpoint {
  const hostname = reference.domain.replace(/:\d+$/, '')
  const insecure = tlsVerify === undefined ? configured || isLoopbackHost(hostname) : !tlsVerify
  return { reference, host: registryHost(reference.domain), insecure }
}

function rewritten(reference: Reference, entry: RegistryEntry | undefined, location: string | undefined): Reference {
  if (entry === undefined || location === undefined || location === entry.prefix) return reference
  const name = repositoryOf(reference)
  const moved = `${location}${name.slice(matchedLength(entry.prefix, name))}`
  const { domain, path } = parseReference(moved)
  return { ...reference, domain, path }
}
