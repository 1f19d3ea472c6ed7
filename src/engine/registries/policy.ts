import { policyPath, readPolicy, requirementsFor, type Requirement } from '../../config/policy-json.js'
import { readFileSync } from 'node:fs'
import type { Context } from '../context.js'
import type { TrustReport, TrustRule } from './types.js'

/** Podman's words for what a requirement says. */
const words: Readonly<Record<Requirement['type'], string>> = {
  insecureAcceptAnything: 'accept',
  reject: 'reject',
  signedBy: 'signed',
  sigstoreSigned: 'sigstoreSigned',
}

/** What policy.json says; with a name, what counts for that image of a registry. Without a file everything is accepted. */
export function trustReport(context: Context, name?: string): TrustReport {
  const policy = readPolicy(context.env)
  if (policy === undefined) return { raw: {}, rules: [{ transport: 'all', name: 'default', type: 'accept' }] }
  const raw = JSON.parse(readFileSync(policyPath(context.env), 'utf8')) as object
  if (name !== undefined) return { raw, rules: rulesOf('repository', name, requirementsFor(policy, 'docker', name)) }
  const scoped = Object.entries(policy.transports).flatMap(([transport, scopes]) =>
    Object.entries(scopes).flatMap(([scope, requirements]) =>
      rulesOf(transport === 'docker' ? 'repository' : transport, scope, requirements),
    ),
  )
  return { raw, rules: [...rulesOf('all', 'default', policy.default), ...scoped] }
}

function rulesOf(transport: string, name: string, requirements: readonly Requirement[]): readonly TrustRule[] {
  return requirements.map(({ type }) => ({ transport, name, type: words[type] }))
}
