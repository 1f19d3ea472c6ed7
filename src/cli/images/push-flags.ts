import { TspodError } from '../../base/errors.js'
import type { PushOptions } from '../../index.js'
import { switchFlag, textFlag, valueFlag } from '../flags/define.js'
import { signFlags, signOptions } from './sign-flags.js'
import { parseNumber } from './numbers.js'
import { registryAccess, registryFlags } from './registry-flags.js'

/** What `push` and `manifest push` have in common. */
export const pushFlags = {
  ...registryFlags,
  compress: switchFlag('Compress the layers of a folder (dir:)'),
  'compression-format': textFlag('Compress the layers so', { options: ['gzip', 'zstd'], helpValue: 'FORMAT' }),
  'compression-level': valueFlag(parseNumber, 'How hard to compress', { helpValue: 'LEVEL' }),
  'force-compression': switchFlag('Compress also where the registry has a layer in another compression'),
  format: textFlag('Kind of manifest to write', { char: 'f', options: ['oci', 'v2s2'], helpValue: 'FORMAT' }),
  'remove-signatures': switchFlag('Do not send signatures that came with the image'),
  ...signFlags,
}

type PushValues = Parameters<typeof registryAccess>[0] &
  Parameters<typeof signOptions>[0] & {
    readonly compress: boolean
    readonly 'remove-signatures': boolean
    readonly 'compression-format'?: string | undefined
    readonly 'compression-level'?: number | undefined
    readonly format?: string | undefined
  }

/** The flags as the engine takes them. */
export function pushOptions(flags: PushValues, given: (flag: string) => boolean): PushOptions {
  const { format } = flags
  const compression = flags['compression-format']
  const level = flags['compression-level']
  const most = compression === 'zstd' ? 20 : 9
  if (level !== undefined && (level < 1 || level > most))
    throw new TspodError('usage', `--compression-level is from 1 to ${String(most)} for ${compression ?? 'gzip'}`)
  return {
    ...registryAccess(flags, given),
    ...signOptions(flags),
    ...(flags.compress ? { compress: true } : {}),
    ...(flags['remove-signatures'] ? { removeSignatures: true } : {}),
    ...(format === undefined ? {} : { format: format as 'oci' | 'v2s2' }),
    ...(compression === undefined ? {} : { compression: compression as 'gzip' | 'zstd' }),
    ...(level === undefined ? {} : { compressionLevel: level }),
  }
}
