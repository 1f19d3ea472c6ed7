import { isAbsolute, resolve } from 'node:path'
import { TspodError } from '../../base/errors.js'

/** `TRANSPORT:…` in front of an image (containers-transports(5)). */
export interface Transport {
  readonly name: 'docker' | 'docker-archive' | 'oci-archive' | 'oci' | 'dir' | 'containers-storage'
  /** A file or folder; for `docker` and `containers-storage` the reference. */
  readonly path: string
  /** What follows the path: a reference in the archive or layout. */
  readonly reference?: string
}

const names = ['docker-archive', 'oci-archive', 'oci', 'dir', 'containers-storage'] as const
/** Podman has them, too. */
const unsupported = ['docker-daemon', 'sif', 'ostree', 'tarball'] as const

/** Reads a transport; undefined for a plain name. */
export function parseTransport(text: string): Transport | undefined {
  if (text.startsWith('docker://')) return { name: 'docker', path: text.slice('docker://'.length) }
  const foreign = unsupported.find((one) => text.startsWith(`${one}:`))
  if (foreign !== undefined)
    throw new TspodError(
      'not-supported',
      `the transport ${foreign}: is not supported: ${JSON.stringify(text.slice(0, 300))}`,
    )
  const name = names.find((one) => text.startsWith(`${one}:`))
  if (name === undefined) return undefined
  const rest = text.slice(name.length + 1)
  if (rest === '') throw new TspodError('invalid-reference', `${name}: needs a path`)
  if (name === 'containers-storage') return { name, path: rest }
  if (name === 'dir') return { name, path: absolute(rest) }
  const colon = rest.indexOf(':')
  if (colon === -1) return { name, path: absolute(rest) }
  const reference = rest.slice(colon + 1)
  return { name, path: absolute(rest.slice(0, colon)), ...(reference === '' ? {} : { reference }) }
}

function absolute(path: string): string {
  return isAbsolute(path) ? path : resolve(path)
}
