import { TspodError } from '../base/errors.js'
import type { Platform } from '../oci/image-spec.js'

const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
  mips: 'mips',
  mipsel: 'mipsle',
}

/** Names people use for what Go calls otherwise. */
const aliases: Readonly<Record<string, { readonly architecture: string; readonly variant?: string }>> = {
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  i386: { architecture: '386' },
  i686: { architecture: '386' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
}

/** What a processor of one variant can run, best first. The empty text is an image that names no variant. */
const runnableVariants: Readonly<Record<string, readonly string[]>> = {
  'arm/v8': ['v8', 'v7', 'v6', 'v5', ''],
  'arm/v7': ['v7', 'v6', 'v5', ''],
  'arm/v6': ['v6', 'v5', ''],
  'arm/v5': ['v5', ''],
  'arm64/v8': ['v8', ''],
}
const defaultVariants: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8' }

/** The platform that this process runs on. */
export function hostPlatform(): Platform {
  const architecture = architectures[process.arch] ?? process.arch
  return { architecture, os: 'linux' }
}

/** `os[/arch[/variant]]`, as `--platform` takes it; a single word is an architecture or `linux`. */
export function parsePlatform(text: string): Partial<Platform> {
  const [os = '', architecture, variant, ...more] = text.split('/')
  if (os === '' || architecture === '' || variant === '' || more.length > 0 || !/^[\w./-]+$/.test(text)) {
    throw new TspodError('invalid-argument', `invalid platform ${JSON.stringify(text)}: expected os[/arch[/variant]]`)
  }
  return { os, ...(architecture === undefined ? {} : { architecture }), ...(variant === undefined ? {} : { variant }) }
}

/** Fills what was not asked for from the host, and turns the names people use into Go's. */
export function completePlatform(asked: Partial<Platform> = {}): Platform {
  const host = hostPlatform()
  const alias = asked.architecture === undefined ? undefined : aliases[asked.architecture]
  const architecture = alias?.architecture ?? asked.architecture ?? host.architecture
  const variant = asked.variant ?? alias?.variant
  return { architecture, os: asked.os ?? host.os, ...(variant === undefined ? {} : { variant }) }
}

/** How well a platform serves what is wanted: 0 is best, undefined not at all. */
export function platformRank(wanted: Platform, offered: Platform): number | undefined {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return undefined
  const variants =
    runnableVariants[`${wanted.architecture}/${wanted.variant ?? defaultVariants[wanted.architecture] ?? ''}`]
  const known = variants ?? [wanted.variant ?? '', '']
  const rank = known.indexOf(offered.variant ?? '')
  if (rank !== -1) return rank
  return wanted.variant === undefined && variants === undefined ? known.length : undefined
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join('/')
}
