import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { ContainerRecord } from '../../container/record.js'
import type { RuntimeConfig } from '../../oci/runtime-spec.js'
import { hasErrno } from '../../state/file.js'

type Hooks = NonNullable<RuntimeConfig['hooks']>
type Stage = keyof Hooks
type Hook = NonNullable<Hooks[Stage]>[number]

const stages: readonly Stage[] = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
]
const largestFile = 1024 * 1024

/** What a file of oci-hooks(5) says: a hook, when it is meant, and at which stages it runs. */
interface HookFile {
  readonly hook: Hook
  readonly stages: readonly Stage[]
  readonly when: Condition
}

interface Condition {
  readonly always?: boolean
  readonly annotations?: Readonly<Record<string, string>>
  readonly commands?: readonly string[]
  readonly hasBindMounts?: boolean
}

/** The hooks of `--hooks-dir` that are meant for this container: by file name, a later folder's before an earlier one's. */
export function hooksOf({ spec }: ContainerRecord): { readonly hooks?: Hooks } {
  const files = new Map(spec.hooksDir.flatMap((folder) => hookFiles(folder)))
  const meant = [...files]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, path]) => parseHookFile(path))
    .filter(({ when }) => isMeant(when, spec))
  const hooks: Partial<Record<Stage, Hook[]>> = {}
  for (const stage of stages) if (spec.hooks?.[stage] !== undefined) hooks[stage] = [...spec.hooks[stage]]
  for (const file of meant) for (const stage of file.stages) (hooks[stage] ??= []).push(file.hook)
  return Object.keys(hooks).length === 0 ? {} : { hooks }
}

function hookFiles(folder: string): [name: string, path: string][] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
    return names.map((name) => [name, join(folder, name)])
  } catch (error) {
    /* As with Podman, a folder that is not there has no hooks. */
    if (hasErrno(error, 'ENOENT')) return []
    throw new TspodError('io', `reading the hooks in ${folder}`, { cause: error })
  }
}

/** All that is said of it must be true; nothing said means never. */
function isMeant(when: Condition, spec: ContainerRecord['spec']): boolean {
  const command = [...spec.entrypoint, ...spec.command][0] ?? ''
  const binds = spec.mounts.some((mount) => mount.type === 'bind')
  const checks = [
    when.always,
    when.annotations &&
      Object.entries(when.annotations).every(([key, value]) =>
        Object.entries(spec.annotations).some(([name, text]) => matches(key, name) && matches(value, text)),
      ),
    when.commands?.some((pattern) => matches(pattern, command)),
    when.hasBindMounts === undefined ? undefined : when.hasBindMounts === binds,
  ].filter((check) => check !== undefined)
  return checks.length > 0 && checks.every((check) => check)
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(pattern, 'u').test(text)
}

function parseHookFile(path: string): HookFile {
  const bad = (why: string, cause?: unknown): TspodError =>
    new TspodError('config-invalid', `${path}: ${why}`, { cause })
  const value = readJson(path, bad)
  if (value['version'] !== '1.0.0') throw bad('it is not of version 1.0.0')
  const { hook, when, stages: named } = value
  if (!isObject(hook) || typeof hook['path'] !== 'string' || !hook['path'].startsWith('/'))
    throw bad('its hook needs an absolute path')
  const { path: program, args, env, timeout } = hook
  if (!isTexts(args) || !isTexts(env)) throw bad('args and env are lists of texts')
  if (timeout !== undefined && (!Number.isSafeInteger(timeout) || Number(timeout) <= 0))
    throw bad('its timeout is not a number of seconds')
  if (!Array.isArray(named) || named.length === 0) throw bad('it names no stages')
  return {
    hook: {
      path: program,
      ...(args === undefined ? {} : { args }),
      ...(env === undefined ? {} : { env }),
      ...(timeout === undefined ? {} : { timeout: Number(timeout) }),
    },
    stages: named.map((name) => {
      const stage = stages.find((known) => known === name)
      if (stage === undefined) throw bad(`unknown stage "${String(name)}"`)
      return stage
    }),
    when: parseCondition(when, bad),
  }
}

function parseCondition(when: unknown, bad: (why: string, cause?: unknown) => TspodError): Condition {
  if (!isObject(when)) throw bad('it does not say when it runs')
  const { always, annotations, commands, hasBindMounts } = when
  const isRecord = isObject(annotations) && isTexts(Object.values(annotations))
  if (!isTexts(commands) || (annotations !== undefined && !isRecord)) throw bad('annotations and commands are texts')
  for (const flag of [always, hasBindMounts])
    if (flag !== undefined && typeof flag !== 'boolean') throw bad('always and hasBindMounts are true or false')
  const patterns = [...(commands ?? []), ...Object.entries((annotations ?? {}) as Record<string, string>).flat()]
  for (const pattern of patterns) {
    try {
      new RegExp(pattern, 'u')
    } catch (error) {
      throw bad(`"${pattern}" is not a regular expression`, error)
    }
  }
  return when
}

function readJson(path: string, bad: (why: string, cause?: unknown) => TspodError): Record<string, unknown> {
  let value: unknown
  try {
    if (statSync(path).size > largestFile) throw bad('it is larger than a mebibyte')
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw error instanceof TspodError ? error : bad('it cannot be read', error)
  }
  if (!isObject(value)) throw bad('it is not an object')
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A list of texts, or nothing. */
function isTexts(value: unknown): value is readonly string[] | undefined {
  return value === undefined || (Array.isArray(value) && value.every((text) => typeof text === 'string'))
}
