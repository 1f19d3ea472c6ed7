import type { CompleteSpec } from '../../container/complete-spec.js'
import type { Seccomp } from '../../oci/runtime-spec.js'
import { compiledFilter, readProfile } from '../../runtime/seccomp.js'
import type { Context } from '../context.js'

/** The file with a container's compiled filter; undefined where it is unconfined. */
export async function seccompFilter(context: Context, spec: CompleteSpec): Promise<string | undefined> {
  const profile = spec.security.seccomp
  if (profile === 'unconfined') return undefined
  const input = { capabilities: spec.capabilities, imageArchitecture: spec.image.architecture }
  return compiledFilter(context.paths.cache, profile, input, (path, kernel) => readSettled(path, kernel, spec))
}

async function readSettled(path: string, kernel: string, spec: CompleteSpec): Promise<Seccomp> {
  const { parseProfile, resolveProfile } = await import('../../container/seccomp-profile.js')
  const profile =
    path === 'default'
      ? (await import('../../container/profiles/default.js')).defaultProfile
      : parseProfile(readProfile(path), path)
  return resolveProfile(profile, {
    capabilities: spec.capabilities,
    machine: process.arch,
    kernel,
    imageArchitecture: spec.image.architecture,
  })
}
