import { statSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import { authFilePaths, findLogin, type StoredLogin } from '../../config/auth-file.js'
import { readRegistriesConfig } from '../../config/registries-conf.js'
import { signaturePlace } from '../../config/registries-d.js'
import type { Credentials } from '../../image/registry/auth.js'
import { defaultRetries } from '../../image/registry/retry.js'
import type { RegistryOptions } from '../../image/registry/source.js'
import { certificateFolders, readCertificateFolder, readCertificates } from '../../image/registry/tls.js'
import type { Context } from '../context.js'
import type { RegistryAccess } from './types.js'

/** What a registry is spoken to with: this user's files, and what the operation was given. */
export function registryOptions(context: Context, access: RegistryAccess): RegistryOptions {
  const { env } = context
  const folders = certificateFolders(env)
  const { certDir, retryDelaySeconds, creds } = access
  const given = creds === undefined ? undefined : parseCreds(creds)
  const paths = authFilePaths(env, requireFile(access.authfile))
  const config = readRegistriesConfig(env)
  return {
    config,
    tlsVerify: access.tlsVerify,
    http: { env, userAgent: 'tspod/0.1' },
    certificates: (host) => (certDir === undefined ? readCertificates(host, folders) : readCertificateFolder(certDir)),
    credentials: async (name) =>
      given ??
      (await askConfigured(context, access.authfile === undefined ? config.credentialHelpers : [], name)) ??
      resolveLogin(context, findLogin(paths, name)),
    retry: {
      retries: access.retries ?? defaultRetries.retries,
      delayMilliseconds: retryDelaySeconds === undefined ? defaultRetries.delayMilliseconds : retryDelaySeconds * 1000,
      fixedDelay: retryDelaySeconds !== undefined,
      log: (message) => context.log('warn', message),
      signal: access.signal,
    },
    signaturePlace: (name) => signaturePlace(env, name),
  }
}

/** A mistyped `--authfile` would else be an anonymous request. */
function requireFile(authfile: string | undefined): string | undefined {
  if (authfile !== undefined && statSync(authfile, { throwIfNoEntry: false }) === undefined)
    throw new TspodError('invalid-argument', `--authfile ${authfile}: no such file or directory`)
  return authfile
}

/** `user:password`; without a password it is empty. */
export function parseCreds(text: string): Credentials {
  const colon = text.indexOf(':')
  const username = colon === -1 ? text : text.slice(0, colon)
  if (username === '') throw new TspodError('invalid-argument', 'credentials are written user:password')
  return { kind: 'password', username, password: colon === -1 ? '' : text.slice(colon + 1) }
}

/** Programs that registries.conf names in front of the files of logins. */
async function askConfigured(
  context: Context,
  helpers: readonly string[],
  name: string,
): Promise<Credentials | undefined> {
  const files = helpers.indexOf('containers-auth.json')
  for (const helper of files === -1 ? helpers : helpers.slice(0, files)) {
    const { askHelper } = await import('../../image/registry/credential-helper.js')
    const found = await askHelper(helper, name.split('/', 1)[0] ?? name, context.env)
    if (found !== undefined) return found
  }
  return undefined
}

async function resolveLogin(context: Context, login: StoredLogin | undefined): Promise<Credentials | undefined> {
  if (login === undefined) return undefined
  if (login.kind === 'helper') {
    const { askHelper } = await import('../../image/registry/credential-helper.js')
    return askHelper(login.helper, login.server, context.env)
  }
  if (login.kind === 'token') return { kind: 'token', identityToken: login.identityToken }
  return { kind: 'password', username: login.username, password: login.password }
}
