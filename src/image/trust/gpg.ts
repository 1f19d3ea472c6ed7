import type { Readable, Writable } from 'node:stream'
import { TspodError } from '../../base/errors.js'

/** Something larger is no signature of an image. */
const maximumPayload = 1024 * 1024
const maximumText = 256 * 1024

/** Signs bytes with one of the user's own keys: an OpenPGP message that contains them. */
export async function gpgSign(
  payload: Buffer,
  key: string,
  options: { readonly passphrase?: string | undefined; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<Buffer> {
  const { passphrase, env } = options
  const secret = passphrase === undefined ? [] : ['--pinentry-mode', 'loopback', '--passphrase-fd', '4']
  const args = ['--batch', '--no-tty', '--status-fd', '3', ...secret, '--local-user', key, '--sign', '--output', '-']
  const { status, stdout, stderr } = await runGpg(args, payload, { env, passphrase })
  if (status === 0 && stdout.length > 0) return stdout
  throw new TspodError('io', `signing with the key ${JSON.stringify(key)} by gpg: ${lastLine(stderr)}`)
}

/**
 * Verifies an OpenPGP message and answers what it signs. Only the given keys count: gpg gets a home of its own in `folder`,
 * which is gone afterwards. Exactly one good signature by a key that is neither expired nor revoked.
 */
export async function gpgVerify(message: Buffer, keys: readonly Buffer[], folder: string): Promise<Buffer> {
  return inOwnHome(folder, async (common) => {
    let imported = 0
    for (const key of keys) {
      const { said } = await runGpg([...common, '--import'], key, { env: process.env })
      imported += said.filter((line) => line.startsWith('IMPORT_OK ')).length
    }
    if (imported === 0) throw rejected('no public keys could be imported')
    const args = [...common, '--max-output', String(maximumPayload), '--output', '-', '--decrypt']
    const { status, stdout, said } = await runGpg(args, message, { env: process.env })
    requireGood(said)
    if (status !== 0) throw rejected('gpg found the signature damaged')
    return stdout
  })
}

/** A home for gpg without any key, and the options that keep gpg from looking elsewhere. */
async function inOwnHome<T>(folder: string, use: (options: readonly string[]) => Promise<T>): Promise<T> {
  const { mkdir, mkdtemp, rm } = await import('node:fs/promises')
  const { join } = await import('node:path')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const home = await mkdtemp(join(folder, 'home-'))
  const alone = ['--homedir', home, '--no-options', '--batch', '--no-tty', '--no-autostart', '--status-fd', '3']
  try {
    return await use([...alone, '--trust-model', 'always', '--no-auto-key-locate', '--no-auto-key-retrieve'])
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** Whose a public key is: the addresses, or else the whole names. */
export async function gpgKeyUsers(key: Buffer, folder: string): Promise<readonly string[]> {
  return inOwnHome(folder, async (common) => {
    const args = [...common, '--with-colons', '--import-options', 'show-only', '--import']
    const { stdout } = await runGpg(args, key, { env: process.env })
    return stdout
      .toString('utf8')
      .split('\n')
      .flatMap((line) => {
        const fields = line.split(':')
        const user = fields[0] === 'uid' || fields[0] === 'pub' ? (fields[9] ?? '') : ''
        return user === '' ? [] : [/<([^>]*)>/.exec(user)?.[1] ?? user]
      })
  })
}

/** GnuPG, doc/DETAILS: what may and may not be among its status lines. */
function requireGood(said: readonly string[]): void {
  const count = (word: string): number => said.filter((line) => line === word || line.startsWith(`${word} `)).length
  const bad: readonly (readonly [string, string])[] = [
    ['BADSIG', 'the signature is not valid'],
    ['EXPKEYSIG', 'the key has expired'],
    ['REVKEYSIG', 'the key was revoked'],
    ['EXPSIG', 'the signature has expired'],
    ['KEYREVOKED', 'the key was revoked'],
  ]
  for (const [word, why] of bad) if (count(word) > 0) throw rejected(why)
  const missing = said.find((line) => line.startsWith('NO_PUBKEY '))
  if (missing !== undefined) throw rejected(`the key ${missing.slice('NO_PUBKEY '.length)} is not accepted`)
  if (count('GOODSIG') !== 1 || count('VALIDSIG') !== 1 || count('ERRSIG') > 0)
    throw rejected('it has no valid signature')
  if (count('PLAINTEXT') !== 1) throw rejected('it signs not exactly one text')
}

interface GpgResult {
  readonly status: number
  readonly stdout: Buffer
  readonly stderr: string
  /** The status lines, without their prefix. */
  readonly said: readonly string[]
}

async function runGpg(
  args: readonly string[],
  input: Buffer,
  options: {
    readonly env: Readonly<Record<string, string | undefined>>
    readonly passphrase?: string | undefined
  },
): Promise<GpgResult> {
  const { spawn } = await import('node:child_process')
  const child = spawn('gpg', args, {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', options.passphrase === undefined ? 'ignore' : 'pipe'],
    env: { ...options.env, LC_ALL: 'C' },
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new TspodError('host-requirement', 'gpg is needed for signatures: install gnupg', { cause })),
    )
    child.once('close', (code) => resolve(code ?? 1))
  })
  feed(child.stdin, input)
  if (options.passphrase !== undefined) feed(child.stdio[4] as Writable | null, Buffer.from(`${options.passphrase}\n`))
  const [status, stdout, stderr, said] = await Promise.all([
    ended,
    bytesOf(child.stdout, maximumPayload),
    bytesOf(child.stderr, maximumText),
    bytesOf(child.stdio[3] as Readable, maximumText),
  ])
  const lines = said.toString('utf8').split('\n')
  return {
    status,
    stdout,
    stderr: stderr.toString('utf8'),
    said: lines.flatMap((line) => (line.startsWith('[GNUPG:] ') ? [line.slice('[GNUPG:] '.length)] : [])),
  }
}

/** gpg may end before it has read everything: its status says why. */
function feed(stream: Writable | null, bytes: Buffer): void {
  stream?.on('error', () => undefined)
  stream?.end(bytes)
}

async function bytesOf(stream: Readable | null, maximum: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    size += (chunk as Buffer).length
    if (size > maximum) throw new TspodError('limit-exceeded', 'gpg has more to say than any signature has')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1) ?? ''
  return (line === '' ? 'it failed' : line).replace(/[\p{Cc}\p{Cf}]/gu, '?').slice(0, 300)
}

function rejected(why: string): TspodError {
  return new TspodError('registry-denied', `invalid GPG signature: ${why}`)
}
