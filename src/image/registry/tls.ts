import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'

/** What `certs.d` has for one registry. */
export interface CertificateFiles {
  readonly ca: readonly string[]
  readonly cert?: string
  readonly key?: string
}

const maximumFileSize = 4 * 1024 * 1024

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

/** Where distributions keep the authorities that this host trusts (Go's crypto/x509/root_linux.go has the same list). */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/**
 * The authorities that this host trusts, as PEM: its administrator decides, as for every other program, and not who built Node.
 * SSL_CERT_FILE and SSL_CERT_DIR stand in for them. Undefined where there are none: then Node's own have to do.
 */
export function hostAuthorities(env: Readonly<Record<string, string | undefined>>): readonly string[] | undefined {
  const { SSL_CERT_FILE: file = '', SSL_CERT_DIR: folders = '', NODE_EXTRA_CA_CERTS: extra = '' } = env
  const files = file === '' ? (folders === '' ? bundles : []) : [file]
  const bundle = files.map(textIfThere).find((text) => text !== undefined)
  const single = folders
    .split(':')
    .flatMap((folder) =>
      folder === '' ? [] : (listFolder(folder) ?? []).flatMap((name) => textIfThere(join(folder, name)) ?? []),
    )
  const found = [...(bundle === undefined ? [] : [bundle]), ...single]
  return found.length === 0 ? undefined : [...found, ...(extra === '' ? [] : [textIfThere(extra) ?? ''])]
}

/** A file of certificates; undefined for whatever is none. */
function textIfThere(path: string): string | undefined {
  try {
    const text = readBounded(path)
    return text.includes('-----BEGIN') ? text : undefined
  } catch {
    return undefined
  }
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
