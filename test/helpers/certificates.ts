import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Certificates {
  /** The authority that signed both. */
  readonly ca: string
  /** For 127.0.0.1 and secure.test. */
  readonly serverCertificate: string
  readonly serverKey: string
  readonly clientCertificate: string
  readonly clientKey: string
}

/** Makes an authority, a server's certificate for the loopback and a client's, as files in a folder. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const at = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl(
    'req',
    '-x509',
    ...key,
    '-subj',
    '/CN=test authority',
    '-days',
    '2',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  )
  await writeFile(at('server.ext'), 'subjectAltName=IP:127.0.0.1,DNS:secure.test\nextendedKeyUsage=serverAuth\n')
  await writeFile(at('client.ext'), 'extendedKeyUsage=clientAuth\n')
  for (const name of ['server', 'client']) {
    await openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`))
    await openssl(
      ...['x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'],
      ...['-days', '2', '-extfile', at(`${name}.ext`), '-out', at(`${name}.pem`)],
    )
  }
  return {
    ca: at('ca.pem'),
    serverCertificate: at('server.pem'),
    serverKey: at('server.key'),
    clientCertificate: at('client.pem'),
    clientKey: at('client.key'),
  }
}
