import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { completePlatform, formatPlatform } from '../../image/platform.js'
import type { Platform } from '../../oci/image-spec.js'

interface Machine {
  /** elf(5): e_machine, the class (1: 32 bits, 2: 64) and the byte order (1: little, 2: big). */
  readonly number: number
  readonly bits: 1 | 2
  readonly order: 1 | 2
  /** QEMU's name, by which its handler is called. */
  readonly qemu: string
}

const machines: Readonly<Record<string, Machine>> = {
  '386': { number: 3, bits: 1, order: 1, qemu: 'i386' },
  amd64: { number: 62, bits: 2, order: 1, qemu: 'x86_64' },
  arm: { number: 40, bits: 1, order: 1, qemu: 'arm' },
  arm64: { number: 183, bits: 2, order: 1, qemu: 'aarch64' },
  loong64: { number: 258, bits: 2, order: 1, qemu: 'loongarch64' },
  mips64le: { number: 8, bits: 2, order: 1, qemu: 'mips64el' },
  ppc64le: { number: 21, bits: 2, order: 1, qemu: 'ppc64le' },
  riscv64: { number: 243, bits: 2, order: 1, qemu: 'riscv64' },
  s390x: { number: 22, bits: 2, order: 2, qemu: 's390x' },
}

/** What a processor runs beside its own programs. */
const compatible: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] }

const folder = '/proc/sys/fs/binfmt_misc'

/** Refuses a command for a processor that this host neither has nor has a handler for, where the kernel lets us see that. */
export function requireRunnable(platform: Platform): void {
  if (isOwn(platform) || hasHandler(platform.architecture) !== false) return
  throw noHandler(platform)
}

/** What it means when the kernel does not know the format of a program: told where handlers cannot be seen. */
export function explained(error: unknown, platform: Platform): unknown {
  const isFormat = error instanceof TspodError && /exec format error/i.test(error.message)
  return isFormat && !isOwn(platform) ? noHandler(platform, error) : error
}

function isOwn({ architecture }: Platform): boolean {
  const own = completePlatform().architecture
  return architecture === own || (compatible[own] ?? []).includes(architecture)
}

function noHandler(platform: Platform, cause?: unknown): TspodError {
  const program = `qemu-${machines[platform.architecture]?.qemu ?? platform.architecture}`
  const host = formatPlatform(completePlatform())
  return new TspodError(
    'host-requirement',
    `exec format error: commands for ${formatPlatform(platform)} do not run on ${host}: no handler of binfmt_misc is ` +
      `registered for them, such as ${program} (of the package qemu-user-static)`,
    cause === undefined ? {} : { cause },
  )
}

/** Undefined: the folder of the handlers is not mounted, or the architecture is none that we know. */
function hasHandler(architecture: string): boolean | undefined {
  const machine = machines[architecture]
  if (machine === undefined) return undefined
  try {
    if (readFileSync(join(folder, 'status'), 'utf8').trim() !== 'enabled') return false
    return readdirSync(folder)
      .filter((name) => name !== 'status' && name !== 'register')
      .some((name) => takes(readFileSync(join(folder, name), 'utf8'), machine))
  } catch {
    return undefined
  }
}

/** Whether a handler, as the kernel shows it (admin-guide/binfmt-misc), takes this architecture's programs. */
export function handles(shown: string, architecture: string): boolean {
  const machine = machines[architecture]
  return machine !== undefined && takes(shown, machine)
}

function takes(shown: string, { number, bits, order }: Machine): boolean {
  const lines = shown.split('\n')
  const bytesOf = (key: string): Buffer | undefined => {
    const line = lines.find((one) => one.startsWith(`${key} `))
    return line === undefined ? undefined : Buffer.from(line.slice(key.length + 1), 'hex')
  }
  const [magic, mask] = [bytesOf('magic'), bytesOf('mask')]
  if (lines[0] !== 'enabled' || magic === undefined || !lines.includes('offset 0')) return false
  const header = Buffer.alloc(20)
  header.set([0x7f, 0x45, 0x4c, 0x46, bits, order, 1])
  /* Of type ET_EXEC. */
  for (const [at, value] of [
    [16, 2],
    [18, number],
  ] as const)
    if (order === 1) header.writeUInt16LE(value, at)
    else header.writeUInt16BE(value, at)
  return magic.length <= header.length && magic.every((byte, at) => ((header[at] ?? 0) & (mask?.[at] ?? 255)) === byte)
}
