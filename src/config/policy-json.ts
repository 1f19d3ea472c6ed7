import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import { parseRequirement, type Requirement } from './policy-requirement.js'

/** containers-policy.json(5): what an image has to fulfil before anything of it is used. */
export interface TrustPolicy {
  readonly path: string
  readonly default: readonly Requirement[]
  /** Transport ─► scope (`host/path`, `*.host`, or empty for all of the transport) ─► requirements, all of which count. */
  readonly transports: Readonly<Record<string, Readonly<Record<string, readonly Requirement[]>>>>
}

export type { Requirement } from './policy-requirement.js'

type Env = Readonly<Record<string, string | undefined>>
type Table = Readonly<Record<string, unknown>>

const systemFile = '/etc/containers/policy.json'
const maximumSize = 1024 * 1024

/** Where the policy is read: the user's file, or else the system's. */
export function policyPath(env: Env, chosen?: string): string {
  if (chosen !== undefined) return chosen
  const own = userPolicyPath(env)
  return statSync(own, { throwIfNoEntry: false })?.isFile() === true ? own : systemFile
}

/** Where `image trust set` writes. */
export function userPolicyPath(env: Env): string {
  return join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? '/', '.config'), 'containers', 'policy.json')
}

/** Reads the policy; undefined if there is none, which lets everything in. A policy that cannot be understood lets nothing in. */
export function readPolicy(env: Env, chosen?: string): TrustPolicy | undefined {
  const path = policyPath(env, chosen)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined && chosen === undefined) return undefined
  if (stat !== undefined && stat.size > maximumSize) throw new TspodError('limit-exceeded', `${path} is too large`)
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new TspodError('config-invalid', `${path} is not valid JSON, or not readable`, { cause: error })
  }
  return parsePolicy(value, path)
}

export function parsePolicy(value: unknown, path: string): TrustPolicy {
  const root = tableOf(value, path)
  for (const key of Object.keys(root))
    if (key !== 'default' && key !== 'transports') throw wrong(path, `unknown key ${JSON.stringify(key)}`)
  const transports = Object.entries(tableOf(root['transports'] ?? {}, path)).map(([transport, scopes]) => {
    const parsed = Object.entries(tableOf(scopes, path)).map(
      ([scope, requirements]) => [scope, requirementsOf(requirements, path)] as const,
    )
    return [transport, Object.fromEntries(parsed)] as const
  })
  return { path, default: requirementsOf(root['default'], path), transports: Object.fromEntries(transports) }
}

/** What counts for a name: the requirements of its longest scope, of its transport, or the default. */
export function requirementsFor(policy: TrustPolicy, transport: string, name: string): readonly Requirement[] {
  const scopes = policy.transports[transport] ?? {}
  for (const scope of scopesOf(name)) {
    const found = Object.hasOwn(scopes, scope) ? scopes[scope] : undefined
    if (found !== undefined) return found
  }
  return scopes[''] ?? policy.default
}

/** `host/a/b:tag`, `host/a/b`, `host/a`, `host`, `*.domain` …: the order in which scopes are looked for. */
export function scopesOf(name: string): readonly string[] {
  /* `[driver@folder]name` of containers-storage: the whole store is a scope, too. */
  const [, store = '', bare = ''] = /^(\[[^\]]*\])(.*)$/.exec(name) ?? []
  if (store !== '') return [...scopesOf(bare).map((scope) => `${store}${scope}`), store, store.replace(/^\[\w+@/, '[')]
  const withoutTag = name.replace(/(?:@.*|:[^/:]*)$/, '')
  const parts = withoutTag.split('/')
  const host = (parts[0] ?? '').replace(/:\d+$/, '').split('.')
  return [
    ...(withoutTag === name ? [] : [name]),
    ...parts.map((_, index) => parts.slice(0, parts.length - index).join('/')),
    ...host.slice(1).map((_, index) => `*.${host.slice(index + 1).join('.')}`),
  ]
}

function requirementsOf(value: unknown, path: string): readonly Requirement[] {
  if (!Array.isArray(value) || value.length === 0) throw wrong(path, 'a list of requirements is missing or empty')
  return value.map((one: unknown) => parseRequirement(tableOf(one, path), path))
}

function tableOf(value: unknown, path: string): Table {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Table
  throw wrong(path, 'it has something else where an object belongs')
}

function wrong(path: string, why: string): TspodError {
  return new TspodError('config-invalid', `${path} is not a valid policy: ${why}`)
}
