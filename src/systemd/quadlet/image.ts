import { extraOptions, globalOptions, once, optionsOf, row } from './options.js'
import type { Service } from './service.js'
import { invalid, readerOf } from './source.js'

export const imageRows = [
  row('AuthFile', '--authfile', 'text'),
  row('CertDir', '--cert-dir', 'text'),
  row('Creds', '--creds', 'text'),
  row('DecryptionKey', '--decryption-key', 'text'),
  row('Arch', '--arch', 'text'),
  row('OS', '--os', 'text'),
  row('Variant', '--variant', 'text'),
  row('Policy', '--policy', 'text'),
  row('Retry', '--retry', 'text'),
  row('RetryDelay', '--retry-delay', 'text'),
  row('TLSVerify', '--tls-verify', 'flag'),
  row('AllTags', '--all-tags', 'flag'),
] as const
export const imageKeys = ['Image', 'ImageTag']

/** NAME.image: pulls an image, once. */
export function convertImage(service: Service): void {
  const reader = readerOf(service.source)
  const image = reader.text('Image')
  if (image === undefined) throw invalid(service.source, 'Image= is missing in [Image]')
  once(service, [
    ...globalOptions(reader),
    ...['image', 'pull'],
    ...optionsOf(reader, imageRows),
    ...extraOptions(reader),
    image,
  ])
}
