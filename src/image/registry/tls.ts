import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'

/** What `certs.d` has for one registry. */
export interface CertificateFiles {
  readonly ca: readonly string[]
  readonly cert?: string
  readonly key?: string
}

const maximumFileSize = 1024 * 1024

/** The folders that are looked through for `host[:port]`, the user's first (containers-certs.d(5)). */
export function certificateFolders(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const home = env['HOME']
  const config = env['XDG_CONFIG_HOME'] ?? (home === undefined ? undefined : join(home, '.config'))
  return [
    ...(config === undefined ? [] : [join(config, 'containers', 'certs.d')]),
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
  ]
}

/** Reads `*.crt` (authorities) and `*.cert` with its `*.key` (the client's own) of the first folder that has the host. */
export function readCertificates(host: string, folders: readonly string[]): CertificateFiles {
  for (const folder of folders) {
    const names = listFolder(join(folder, host))
    if (names !== undefined) return readFolder(join(folder, host), names)
  }
  return { ca: [] }
}

/** Reads a `--cert-dir` itself. */
export function readCertificateFolder(folder: string): CertificateFiles {
  const names = listFolder(folder)
  if (names === undefined) throw new TspodError('config-invalid', `no folder of certificates at ${folder}`)
  return readFolder(folder, names)
}

function readFolder(folder: string, names: readonly string[]): CertificateFiles {
  const ca = names.filter((name) => name.endsWith('.crt')).map((name) => readBounded(join(folder, name)))
  const certName = names.find((name) => name.endsWith('.cert'))
  if (certName === undefined) {
    const lonely = names.find((name) => name.endsWith('.key'))
    if (lonely !== undefined) throw new TspodError('config-invalid', `${join(folder, lonely)} has no .cert beside it`)
    return { ca }
  }
  const keyName = certName.replace(/\.cert$/, '.key')
  if (!names.includes(keyName))
    throw new TspodError('config-invalid', `${join(folder, certName)} has no .key beside it`)
  return { ca, cert: readBounded(join(folder, certName)), key: readBounded(join(folder, keyName)) }
}

function listFolder(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder).sort()
  } catch {
    return undefined /* Not there, or not ours to read: as if there were none, like Docker. */
  }
}

function readBounded(path: string): string {
  const { size } = statSync(path)
  if (size > maximumFileSize) throw new TspodError('limit-exceeded', `${path} is too large for a certificate`)
  return readFileSync(path, 'utf8')
}
