import type { ManifestDetails } from '../../index.js'
import { asTyped, commaListFlag, listFlag, textFlag } from '../flags/define.js'

/** What a list says of one of its images. */
export const detailFlags = {
  annotation: listFlag(asTyped, 'Annotation KEY=VALUE', { helpValue: 'KEY=VALUE' }),
  arch: textFlag("The image's architecture"),
  features: commaListFlag(asTyped, "Features of the image's processor", { helpValue: 'FEATURE' }),
  os: textFlag("The image's system"),
  'os-features': commaListFlag(asTyped, "Features of the image's system", { helpValue: 'FEATURE' }),
  'os-version': textFlag("The version of the image's system", { helpValue: 'VERSION' }),
  variant: textFlag("The variant of the image's architecture"),
}

interface DetailValues {
  readonly annotation?: readonly string[] | undefined
  readonly arch?: string | undefined
  readonly features?: readonly string[] | undefined
  readonly os?: string | undefined
  readonly 'os-features'?: readonly string[] | undefined
  readonly 'os-version'?: string | undefined
  readonly variant?: string | undefined
}

export function manifestDetails(flags: DetailValues): ManifestDetails {
  const { annotation, arch, features, os, variant } = flags
  return {
    ...(annotation === undefined ? {} : { annotations: annotation }),
    ...(arch === undefined ? {} : { architecture: arch }),
    ...(features === undefined ? {} : { features }),
    ...(os === undefined ? {} : { os }),
    ...(flags['os-features'] === undefined ? {} : { osFeatures: flags['os-features'] }),
    ...(flags['os-version'] === undefined ? {} : { osVersion: flags['os-version'] }),
    ...(variant === undefined ? {} : { variant }),
  }
}
