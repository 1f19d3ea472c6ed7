import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TspodStore } from './tspod.js'

const execute = promisify(execFile)

/** A folder with a keyring of gpg, `USER.pub` of each of its users, and a key of sigstore's: `ec.key`, `ec.pub`. */
export interface SigningKeys extends AsyncDisposable {
  at(name: string): string
  /** With which gpg finds the keyring. */
  readonly env: NodeJS.ProcessEnv
}

export async function makeSigningKeys(users: readonly string[]): Promise<SigningKeys> {
  const folder = await mkdtemp(join(tmpdir(), 'tspod-signing-'))
  const at = (name: string): string => join(folder, name)
  const env = { ...process.env, GNUPGHOME: at('gnupg') }
  const gpg = (...args: string[]): Promise<{ stdout: string }> =>
    execute('gpg', ['--batch', '--pinentry-mode', 'loopback', '--passphrase', '', ...args], { env })
  await mkdir(at('gnupg'))
  await chmod(at('gnupg'), 0o700)
  for (const user of users) {
    await gpg('--quick-gen-key', user, 'default', 'default', 'never')
    await writeFile(at(`${user}.pub`), (await gpg('--armor', '--export', user)).stdout)
  }
  await execute('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at('ec.key')])
  await execute('openssl', ['pkey', '-in', at('ec.key'), '-pubout', '-out', at('ec.pub')])
  return {
    at,
    env,
    async [Symbol.asyncDispose]() {
      await execute('gpgconf', ['--kill', 'all'], { env })
      await rm(folder, { recursive: true })
    },
  }
}

/** Makes this the store's only file of registries.d. */
export async function writeRegistriesD(store: TspodStore, text: string): Promise<void> {
  const place = join(store.env['HOME'] ?? '', '.config/containers/registries.d')
  await mkdir(place, { recursive: true })
  await writeFile(join(place, 'test.yaml'), text)
}
