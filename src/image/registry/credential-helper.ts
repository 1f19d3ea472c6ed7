import { TspodError } from '../../base/errors.js'
import { runCommand } from '../../runtime/command.js'
import type { Credentials } from './auth.js'

const maximumAnswer = 1024 * 1024
const timeoutMilliseconds = 30_000
/** What helpers say when they know nothing of a server; it is no failure (docker-credential-helpers). */
const nothingKnown = /credentials not found in native keychain|no credentials server URL/i

/** Asks `docker-credential-NAME get` for a server's login; undefined if it has none. */
export async function askHelper(
  helper: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials | undefined> {
  const program = programOf(helper)
  const { status, output } = await run(program, 'get', server, env)
  if (status === 0) return parseAnswer(output, program)
  if (nothingKnown.test(output)) return undefined
  throw failure(program, 'get', server, output)
}

/** Gives a login to `docker-credential-NAME store`. */
export async function storeInHelper(
  helper: string,
  server: string,
  login: { readonly username: string; readonly password: string },
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const program = programOf(helper)
  const input = JSON.stringify({ ServerURL: server, Username: login.username, Secret: login.password })
  const { status, output } = await run(program, 'store', input, env)
  if (status !== 0) throw failure(program, 'store', server, output)
}

/** Has `docker-credential-NAME erase` forget a login; false if it knew none. */
export async function eraseFromHelper(
  helper: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const program = programOf(helper)
  const { status, output } = await run(program, 'erase', server, env)
  if (status === 0) return true
  if (nothingKnown.test(output)) return false
  throw failure(program, 'erase', server, output)
}

/** The servers that `docker-credential-NAME list` has logins for. */
export async function serversOfHelper(
  helper: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const program = programOf(helper)
  const { status, output } = await run(program, 'list', '', env)
  if (status !== 0) throw failure(program, 'list', 'every server', output)
  try {
    return Object.keys(JSON.parse(output) as object)
  } catch (error) {
    throw new TspodError('registry-denied', `${program} answered something that is not JSON`, { cause: error })
  }
}

function programOf(helper: string): string {
  if (!/^[\w.-]+$/.test(helper))
    throw new TspodError('config-invalid', `invalid credential helper ${JSON.stringify(helper)}`)
  return `docker-credential-${helper}`
}

function failure(program: string, action: string, server: string, output: string): TspodError {
  const said = output
    .trim()
    .replace(/[\p{Cc}\p{Cf}]/gu, '?')
    .slice(0, 200)
  return new TspodError('registry-denied', `${program} ${action} failed for ${server}: ${said}`)
}

function parseAnswer(output: string, program: string): Credentials {
  let value: { Username?: unknown; Secret?: unknown } | null
  try {
    value = JSON.parse(output) as typeof value
  } catch (error) {
    throw new TspodError('registry-denied', `${program} answered something that is not JSON`, { cause: error })
  }
  const { Username: username, Secret: secret } = value ?? {}
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw new TspodError('registry-denied', `${program} answered without a login`)
  }
  return username === '<token>'
    ? { kind: 'token', identityToken: secret }
    : { kind: 'password', username, password: secret }
}

async function run(
  program: string,
  action: 'get' | 'store' | 'erase' | 'list',
  input: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ status: number; output: string }> {
  try {
    const options = { input, env, timeoutMilliseconds, maximumOutput: maximumAnswer }
    const { status, stdout, stderr } = await runCommand(program, [action], options)
    /* Why one failed it should say on stdout; a script's shell, for one, says it on the other. */
    return { status, output: stdout.length === 0 && status !== 0 ? stderr : stdout.toString('utf8') }
  } catch (error) {
    throw new TspodError('config-invalid', 'asking a credential helper', { cause: error })
  }
}
