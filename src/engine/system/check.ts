import { release } from 'node:os'
import { TspodError } from '../../base/errors.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import { checkHost, type HostCheck } from '../../../rootless/host-checks.js'
import { currentCaller, hostMapping, type HostMapping } from '../../../rootless/ladder.js'
import { userName } from '../../../rootless/subid.js'
import { runNative } from '../../runtime/native.js'
import { usernsArguments } from '../../storage/inside.js'
import { storageDriver } from '../containers/rootfs.js'
import type { Context } from '../context.js'

/** What of the host can only be known by trying is tried, the rest looked up. */
export async function checkSystem(context: Context): Promise<HostCheck[]> {
  const caller = { ...currentCaller(), env: context.env }
  const mapping = await hostMapping(caller).catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  )
  const usernsFailure = await failureOf(mapping, tryUserns)
  return checkHost({
    caller,
    userName: (await userName(caller.uid)) ?? String(caller.uid),
    graphroot: context.paths.graphroot,
    kernel: release(),
    mapping,
    usernsFailure,
    overlayFailure: usernsFailure ?? (await failureOf(mapping, () => requireOverlay(context))),
  })
}

async function failureOf(
  mapping: HostMapping | Error,
  attempt: (plan: UsernsPlan) => Promise<unknown>,
): Promise<string | undefined> {
  if (mapping instanceof Error) return mapping.message
  try {
    await attempt(mapping.plan)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** A user namespace, and in it a mount namespace: AppArmor may allow the first without the rights for the second. */
async function tryUserns(plan: UsernsPlan): Promise<void> {
  try {
    await runNative('tspod-inside', ['run', ...usernsArguments(plan), '--', '/bin/true'])
  } catch (error) {
    throw new TspodError('host-requirement', reasonOf(error), { cause: error })
  }
}

/** tspod-inside answers with a line of JSON. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text
}

/** Containers' roots, as they would be made now. */
async function requireOverlay(context: Context): Promise<void> {
  const { name, reason } = await storageDriver(context)
  if (name !== 'overlay') throw new TspodError('host-requirement', `${name} is used: ${reason}`)
}
