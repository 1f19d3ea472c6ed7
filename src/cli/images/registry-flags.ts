import type { PullOptions, RegistryAccess } from '../../index.js'
import { switchFlag, switchFlagOn, textFlag, valueFlag } from '../flags/define.js'
import { parsePlatform } from '../parse/platform.js'
import { parseDuration, parseNumber } from './numbers.js'

/** How a registry is spoken to: pull, push, search, login. */
export const registryFlags = {
  authfile: textFlag('File with the logins to registries', { helpValue: 'FILE' }),
  'cert-dir': textFlag('Folder with certificates for the registry', { helpValue: 'FOLDER' }),
  creds: textFlag('Login for this command only', { helpValue: 'USER[:PASSWORD]' }),
  'tls-verify': switchFlagOn('Insist on HTTPS and valid certificates'),
  retry: valueFlag(parseNumber, 'Tries after a failure that may pass', { helpValue: 'N' }),
  'retry-delay': valueFlag(parseDuration, 'Time between tries', { helpValue: 'DURATION' }),
}

/** Which of an image's platforms. */
export const platformFlags = {
  platform: textFlag('Take the image for another platform', { helpValue: 'OS/ARCH[/VARIANT]' }),
  os: textFlag('Take the image for another system'),
  arch: textFlag('Take the image for another architecture'),
  variant: textFlag('Take the image for a variant of the architecture'),
}

/** Flags that Podman knows and that change nothing here. */
export const silentFlags = {
  'disable-content-trust': switchFlag('Does nothing, as in Podman', { hidden: true }),
}

interface RegistryValues {
  readonly authfile?: string | undefined
  readonly 'cert-dir'?: string | undefined
  readonly creds?: string | undefined
  readonly 'tls-verify': boolean
  readonly retry?: number | undefined
  readonly 'retry-delay'?: number | undefined
}

/** The flags as the engine takes them; TLS is only said where it was given. */
export function registryAccess(flags: RegistryValues, given: (flag: string) => boolean): RegistryAccess {
  return {
    ...(flags.authfile === undefined ? {} : { authfile: flags.authfile }),
    ...(flags['cert-dir'] === undefined ? {} : { certDir: flags['cert-dir'] }),
    ...(flags.creds === undefined ? {} : { creds: flags.creds }),
    ...(given('tls-verify') ? { tlsVerify: flags['tls-verify'] } : {}),
    ...(flags.retry === undefined ? {} : { retries: flags.retry }),
    ...(flags['retry-delay'] === undefined ? {} : { retryDelaySeconds: flags['retry-delay'] }),
  }
}

/** Asks for the password that `--creds USER` leaves out. */
export async function withPassword<Values extends RegistryValues>(flags: Values): Promise<Values> {
  const { creds } = flags
  if (creds === undefined || creds.includes(':')) return flags
  const { askSecret } = await import('../prompt.js')
  return { ...flags, creds: `${creds}:${await askSecret('Password: ', '--creds USER:PASSWORD')}` }
}

interface PlatformValues {
  readonly platform?: string | undefined
  readonly os?: string | undefined
  readonly arch?: string | undefined
  readonly variant?: string | undefined
}

export function platformOption(flags: PlatformValues): Pick<PullOptions, 'platform'> {
  const platform = parsePlatform(flags.platform, flags)
  return platform === undefined ? {} : { platform }
}
