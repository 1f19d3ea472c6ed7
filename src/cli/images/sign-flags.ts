import type { SignOptions } from '../../index.js'
import { textFlag } from '../flags/define.js'

/** With which keys what is pushed is signed. */
export const signFlags = {
  'sign-by': textFlag('Sign with this gpg key', { helpValue: 'KEY' }),
  'sign-by-sigstore': textFlag('Sign as this file of parameters says', { helpValue: 'FILE' }),
  'sign-by-sigstore-private-key': textFlag('Sign with the sigstore key in this file', { helpValue: 'FILE' }),
  'sign-passphrase-file': textFlag('Read what opens the key from this file', { helpValue: 'FILE' }),
}

interface SignValues {
  readonly 'sign-by'?: string | undefined
  readonly 'sign-by-sigstore'?: string | undefined
  readonly 'sign-by-sigstore-private-key'?: string | undefined
  readonly 'sign-passphrase-file'?: string | undefined
}

/** The flags as the engine takes them. */
export function signOptions(flags: SignValues): SignOptions {
  const {
    'sign-by': signBy,
    'sign-by-sigstore': signBySigstore,
    'sign-by-sigstore-private-key': signBySigstorePrivateKey,
    'sign-passphrase-file': signPassphraseFile,
  } = flags
  return {
    ...(signBy === undefined ? {} : { signBy }),
    ...(signBySigstore === undefined ? {} : { signBySigstore }),
    ...(signBySigstorePrivateKey === undefined ? {} : { signBySigstorePrivateKey }),
    ...(signPassphraseFile === undefined ? {} : { signPassphraseFile }),
  }
}
