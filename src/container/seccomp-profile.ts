import { TspodError } from '../base/errors.js'
import type { Seccomp, SeccompArg, SeccompSyscall } from '../oci/runtime-spec.js'

/** A profile as Docker and Podman write it: an OCI filter whose rules may depend on capabilities, kernel and machine. */
export interface SeccompProfile {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[]
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null }[]
  readonly flags?: readonly string[]
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls?: readonly ProfileRule[]
}

export interface ProfileRule {
  readonly name?: string
  readonly names?: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly errno?: string
  readonly args?: readonly SeccompArg[] | null
  readonly includes?: Condition
  readonly excludes?: Condition
  /** Ours: only for images of these architectures. */
  readonly imageArchitectures?: readonly string[]
}

/** Includes: all of the capabilities, one of the machines. Excludes: any of either. */
export interface Condition {
  readonly caps?: readonly string[]
  readonly arches?: readonly string[]
  readonly minKernel?: string
}

export interface ProfileInput {
  readonly capabilities: readonly string[]
  /** Node's name of the machine: `x64`, `arm64` … */
  readonly machine: string
  /** `6.1.0-18-amd64` */
  readonly kernel: string
  /** Go's name, as images have it. */
  readonly imageArchitecture: string
}

const machines: Readonly<Record<string, { readonly arch: string; readonly seccomp: string }>> = {
  x64: { arch: 'amd64', seccomp: 'SCMP_ARCH_X86_64' },
  arm64: { arch: 'arm64', seccomp: 'SCMP_ARCH_AARCH64' },
  arm: { arch: 'arm', seccomp: 'SCMP_ARCH_ARM' },
  ppc64: { arch: 'ppc64le', seccomp: 'SCMP_ARCH_PPC64LE' },
  s390x: { arch: 's390x', seccomp: 'SCMP_ARCH_S390X' },
  riscv64: { arch: 'riscv64', seccomp: 'SCMP_ARCH_RISCV64' },
  loong64: { arch: 'loong64', seccomp: 'SCMP_ARCH_LOONGARCH64' },
}

/** The filter that a profile means for one container on this machine: an OCI `linux.seccomp`. */
export function resolveProfile(profile: SeccompProfile, input: ProfileInput): Seccomp {
  const machine = machines[input.machine]
  const rules = (profile.syscalls ?? []).filter((rule) => applies(rule, input, machine?.arch ?? input.machine))
  return {
    defaultAction: profile.defaultAction,
    ...defined('defaultErrnoRet', profile.defaultErrnoRet),
    architectures: architectures(profile, machine?.seccomp),
    ...defined('flags', profile.flags),
    ...defined('listenerPath', profile.listenerPath),
    ...defined('listenerMetadata', profile.listenerMetadata),
    syscalls: rules.map(plainRule),
  }
}

/** Reads a profile of a user's; what has not its form is refused by name. */
export function parseProfile(text: string, path: string): SeccompProfile {
  const value = parseJson(text, path)
  const fail = (what: string): never => {
    throw new TspodError('config-invalid', `seccomp profile ${path}: ${what}`)
  }
  if (!isTable(value)) return fail('not an object')
  if (!isAction(value['defaultAction'])) return fail('defaultAction is missing or unknown')
  if (value['architectures'] !== undefined && !isTexts(value['architectures']))
    return fail('architectures is not a list')
  if (value['archMap'] !== undefined && !isArchMap(value['archMap'])) return fail('archMap is not valid')
  const rules = value['syscalls'] ?? []
  if (!Array.isArray(rules)) return fail('syscalls is not a list')
  for (const [index, rule] of rules.entries())
    if (!isRule(rule)) return fail(`rule ${index + 1} of syscalls is not valid`)
  return value as unknown as SeccompProfile
}

function architectures(profile: SeccompProfile, native: string | undefined): readonly string[] {
  if (profile.architectures !== undefined && profile.architectures.length > 0) return profile.architectures
  const found = profile.archMap?.find((entry) => entry.architecture === native)
  if (found) return [found.architecture, ...(found.subArchitectures ?? [])]
  return native === undefined ? [] : [native]
}

function applies(rule: ProfileRule, input: ProfileInput, arch: string): boolean {
  if (rule.imageArchitectures && !rule.imageArchitectures.includes(input.imageArchitecture)) return false
  return isIncluded(rule.includes, input, arch) && !isExcluded(rule.excludes, input, arch)
}

function isIncluded(condition: Condition | undefined, input: ProfileInput, arch: string): boolean {
  const { caps = [], arches = [], minKernel } = condition ?? {}
  if (arches.length > 0 && !arches.includes(arch)) return false
  if (!caps.every((name) => input.capabilities.includes(name))) return false
  return minKernel === undefined || isAtLeast(input.kernel, minKernel)
}

function isExcluded(condition: Condition | undefined, input: ProfileInput, arch: string): boolean {
  const { caps = [], arches = [], minKernel } = condition ?? {}
  if (arches.includes(arch) || caps.some((name) => input.capabilities.includes(name))) return true
  return minKernel !== undefined && isAtLeast(input.kernel, minKernel)
}

function plainRule(rule: ProfileRule): SeccompSyscall {
  return {
    names: rule.names ?? (rule.name === undefined ? [] : [rule.name]),
    action: rule.action,
    ...defined('errnoRet', rule.errnoRet),
    ...(rule.args && rule.args.length > 0 ? { args: rule.args } : {}),
  }
}

/** Compares the first two numbers, which is all that profiles speak of. */
function isAtLeast(kernel: string, minimum: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = minimum.split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

const actions = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
]

function isAction(value: unknown): boolean {
  return typeof value === 'string' && actions.includes(value)
}

function isRule(rule: unknown): boolean {
  if (!isTable(rule) || !isAction(rule['action'])) return false
  const named = isTexts(rule['names']) || typeof rule['name'] === 'string'
  return named && isCondition(rule['includes']) && isCondition(rule['excludes']) && isArgs(rule['args'])
}

function isCondition(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (!isTable(value)) return false
  const lists = [value['caps'], value['arches']].every((list) => list === undefined || isTexts(list))
  return lists && (value['minKernel'] === undefined || /^\d+\.\d+$/.test(String(value['minKernel'])))
}

function isArgs(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return (
    Array.isArray(value) &&
    value.every(
      (arg) =>
        isTable(arg) &&
        typeof arg['index'] === 'number' &&
        typeof arg['value'] === 'number' &&
        typeof arg['op'] === 'string',
    )
  )
}

function isArchMap(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (entry) =>
        isTable(entry) &&
        typeof entry['architecture'] === 'string' &&
        (isAbsent(entry['subArchitectures']) || isTexts(entry['subArchitectures'])),
    )
  )
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new TspodError('config-invalid', `seccomp profile ${path} is not valid JSON`, { cause: error })
  }
}

function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}
