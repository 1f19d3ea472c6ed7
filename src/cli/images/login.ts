import { TspodError } from '../../base/errors.js'
import type { Engine, LoginOptions } from '../../index.js'
import { ask, askSecret, readAllInput } from '../prompt.js'

interface Given {
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly 'password-stdin': boolean
}

const maximumPassword = 1024 * 1024

/**
 * The user and password to log in with: as the flags say, from stdin, or asked for. Undefined if nothing was given and the
 * login that is kept still works.
 */
export async function passwordFor(
  registries: Engine['registries'],
  registry: string,
  flags: Given,
  options: Omit<LoginOptions, 'username' | 'password'>,
  say: (line: string) => void,
): Promise<{ username: string; password: string } | undefined> {
  const { username, password } = flags
  if (flags['password-stdin']) {
    if (username === undefined) throw new TspodError('usage', 'must provide --username with --password-stdin')
    if (password !== undefined) throw new TspodError('usage', '--password and --password-stdin cannot be used together')
    return { username, password: await readAllInput(maximumPassword) }
  }
  if (username !== undefined && password !== undefined) return { username, password }
  const stored = await storedLogin(registries, registry, flags, options, say)
  if (stored === true) return undefined
  const user = username ?? (await askUser(stored))
  return { username: user, password: password ?? (await askSecret('Password: ', '--password-stdin')) }
}

/** True if the login that is kept still works; otherwise whose it is. */
async function storedLogin(
  registries: Engine['registries'],
  registry: string,
  { username, password }: Given,
  options: Omit<LoginOptions, 'username' | 'password'>,
  say: (line: string) => void,
): Promise<true | string | undefined> {
  if (username !== undefined || password !== undefined) return undefined
  const stored = await registries.checkLogin(registry, options)
  if (stored === undefined) return undefined
  say(`Authenticating with existing credentials for ${registry}`)
  if (stored.valid) {
    say(`Existing credentials are valid. Already logged in to ${registry}`)
    return true
  }
  say('Existing credentials are invalid, please enter valid username and password')
  return stored.username
}

async function askUser(previous: string | undefined): Promise<string> {
  const known = previous === undefined || previous === '' ? undefined : previous
  const answer = await ask(known === undefined ? 'Username: ' : `Username (${known}): `)
  const user = answer === '' ? known : answer
  if (user === undefined) throw new TspodError('usage', 'a login needs a username')
  return user
}
