import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { TspodError } from '../../base/errors.js'
import {
  parsePolicy,
  policyPath,
  readPolicy,
  requirementsFor,
  userPolicyPath,
  type Requirement,
} from '../../config/policy-json.js'
import type { KeySource } from '../../config/policy-requirement.js'
import { configuredLookaside } from '../../config/registries-d.js'
import { gpgKeyUsers } from '../../image/trust/gpg.js'
import { ensureFolder, removeFile, writeFileAtomic } from '../../state/file.js'
import { withLock } from '../../state/lock.js'
import type { Context } from '../context.js'
import type { TrustChange, TrustReport, TrustRule } from './types.js'

/** Podman's words for what a requirement says. */
const words: Readonly<Record<Requirement['type'], string>> = {
  insecureAcceptAnything: 'accept',
  reject: 'reject',
  signedBy: 'signed',
  sigstoreSigned: 'sigstoreSigned',
}

/** What policy.json says; with a name, what counts for that image of a registry. Without a file everything is accepted. */
export async function trustReport(context: Context, name?: string, chosen?: string): Promise<TrustReport> {
  const policy = readPolicy(context.env, chosen)
  if (policy === undefined) return { raw: {}, rules: [{ transport: 'all', name: 'default', type: 'accept' }] }
  const raw = JSON.parse(readFileSync(policyPath(context.env, chosen), 'utf8')) as object
  if (name !== undefined)
    return { raw, rules: await rulesOf(context, 'repository', name, requirementsFor(policy, 'docker', name)) }
  const rules = [...(await rulesOf(context, 'all', 'default', policy.default))]
  for (const [transport, scopes] of Object.entries(policy.transports).sort(byKey)) {
    const shown = transport === 'docker' ? 'repository' : transport
    for (const [scope, requirements] of Object.entries(scopes).sort(byKey))
      rules.push(...(await rulesOf(context, shown, scope, requirements)))
  }
  return { raw, rules }
}

/** Changes what counts for a registry, a part of one, or (`default`) for all the rest. */
export async function setTrust(context: Context, scope: string, change: TrustChange): Promise<void> {
  const path = change.policy ?? userPolicyPath(context.env)
  ensureFolder(dirname(path))
  try {
    await withLock(`${path}.lock`, () => changePolicy(context, path, scope, change))
  } finally {
    removeFile(`${path}.lock`)
  }
}

function changePolicy(context: Context, path: string, scope: string, change: TrustChange): void {
  const from = change.policy ?? policyPath(context.env)
  const before = existsSync(from) ? (JSON.parse(readFileSync(from, 'utf8')) as Table) : {}
  if (existsSync(from)) parsePolicy(before, from)
  const requirements = requirementsOfChange(change)
  const transports = (before['transports'] ?? {}) as Table
  const docker = (transports['docker'] ?? {}) as Table
  const after =
    scope === 'default'
      ? { ...before, default: requirements }
      : { ...before, transports: { ...transports, docker: { ...docker, [requireScope(scope)]: requirements } } }
  if (!('default' in after))
    throw new TspodError(
      'invalid-argument',
      `default trust policy must be set: say first what counts for all others, with \`image trust set --type accept default\``,
    )
  parsePolicy(after, path)
  writeFileAtomic(path, `${JSON.stringify(after, undefined, 4)}\n`, { mode: 0o644, sync: true })
}

type Table = Readonly<Record<string, unknown>>

function requirementsOfChange({ type, keys }: TrustChange): readonly object[] {
  if (type === 'accept' || type === 'reject') {
    if (keys.length > 0)
      throw new TspodError('usage', `${String(keys.length)} public keys unexpectedly provided for trust type ${type}`)
    return [{ type: type === 'accept' ? 'insecureAcceptAnything' : 'reject' }]
  }
  if (keys.length === 0)
    throw new TspodError('usage', `at least one public key must be defined for type '${type}': --pubkeysfile`)
  return keys.map((key) => {
    const keyPath = resolve(key)
    if (!existsSync(keyPath)) throw new TspodError('io', `${keyPath}: no such file or directory`)
    return type === 'signedBy' ? { type, keyType: 'GPGKeys', keyPath } : { type, keyPath }
  })
}

/** `host[:port][/path[:tag]]`, or `*.domain`. */
function requireScope(scope: string): string {
  if (/^(?:\*\.)?[\w.-]+(?::\d+)?(?:\/[\w./-]+)?(?::[\w.-]+)?$/.test(scope) && !scope.includes('//')) return scope
  throw new TspodError('invalid-reference', `invalid image uri: ${JSON.stringify(scope)}`)
}

async function rulesOf(
  context: Context,
  transport: string,
  name: string,
  requirements: readonly Requirement[],
): Promise<readonly TrustRule[]> {
  const store = transport === 'repository' ? configuredLookaside(context.env, name) : undefined
  return Promise.all(
    requirements.map(async (requirement) => {
      const id = await keyOwners(context, requirement)
      return {
        transport,
        name,
        type: words[requirement.type],
        ...(id === undefined ? {} : { id }),
        ...(store === undefined ? {} : { store }),
      }
    }),
  )
}

/** Whose keys they are; a sigstore key does not say. */
async function keyOwners(context: Context, requirement: Requirement): Promise<string | undefined> {
  if (requirement.type === 'sigstoreSigned') return 'N/A'
  if (requirement.type !== 'signedBy') return undefined
  const folder = join(context.paths.runroot, 'gpg')
  const users: string[] = []
  for (const key of keyBytes(context, requirement.keys)) users.push(...(await gpgKeyUsers(key, folder)))
  return users.join(', ')
}

function keyBytes(context: Context, source: KeySource): readonly Buffer[] {
  if (source.kind === 'data') return source.data.map((text) => Buffer.from(text, 'base64'))
  return source.paths.flatMap((path) => {
    try {
      return [readFileSync(path)]
    } catch (error) {
      context.log('error', `reading the key ${path}: ${(error as Error).message}`)
      return []
    }
  })
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
