import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { UsernsPlan } from '../../runtime/protocol.js'
import { ensureFolder } from '../../state/file.js'
import { checkHost, type HostCheck } from '../../../rootless/host-checks.js'
import { currentCaller, hostMapping, type HostMapping } from '../../../rootless/ladder.js'
import { userName } from '../../../rootless/subid.js'
import { runNative } from '../../runtime/native.js'
import { runInside, usernsArguments } from '../../storage/inside.js'
import { removeTrees } from '../../storage/remove.js'
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
    overlayFailure: usernsFailure ?? (await failureOf(mapping, (plan) => tryOverlay(context, plan))),
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

/** An overlay where containers' would be, with a file to hide and a folder to replace. */
async function tryOverlay({ paths }: Context, plan: UsernsPlan): Promise<void> {
  ensureFolder(paths.tmp)
  const folder = mkdtempSync(join(paths.tmp, 'probe-'))
  const [lower, upper, work, mountpoint] = ['lower', 'upper', 'work', 'merged'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  try {
    for (const path of [upper, work, mountpoint, join(lower, 'folder')]) mkdirSync(path, { recursive: true })
    writeFileSync(join(lower, 'file'), '')
    writeFileSync(join(lower, 'folder', 'inner'), '')
    await runInside('probe', plan, ['--lower', lower, '--upper', upper, '--work', work, '--mountpoint', mountpoint])
  } finally {
    await removeTrees([folder], plan)
  }
}
