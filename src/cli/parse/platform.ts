import type { ContainerSpec } from '../../index.js'
import { invalid, row } from './value.js'

/** `--platform OS/ARCH[/VARIANT]`, or its parts by `--os`, `--arch` and `--variant`. */
export function parsePlatform(
  platform: string | undefined,
  parts: {
    readonly os?: string | undefined
    readonly arch?: string | undefined
    readonly variant?: string | undefined
  },
): ContainerSpec['platform'] {
  const { os, arch, variant } = parts
  if (platform === undefined) {
    if (os === undefined && arch === undefined && variant === undefined) return undefined
    return {
      ...(os === undefined ? {} : { os }),
      ...(arch === undefined ? {} : { architecture: normalArchitecture(arch) }),
      ...(variant === undefined ? {} : { variant }),
    }
  }
  if (os !== undefined || arch !== undefined || variant !== undefined)
    throw invalid('--platform cannot be used together with --os, --arch or --variant')
  const [first = '', second, third, more] = platform.toLowerCase().split('/')
  if (first === '' || second === '' || third === '' || more !== undefined)
    throw invalid(`"${platform}" is not OS[/ARCH[/VARIANT]]`)
  return {
    os: first,
    ...(second === undefined ? {} : { architecture: normalArchitecture(second) }),
    ...(third === undefined ? {} : { variant: third }),
  }
}

const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  x64: 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  i386: '386',
  i686: '386',
}

function normalArchitecture(name: string): string {
  return row(architectures, name) ?? name
}
