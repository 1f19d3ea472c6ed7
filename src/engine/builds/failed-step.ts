import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { nativeFile } from '../../base/native-dir.js'
import { TspodError } from '../../base/errors.js'
import type { ResolvedMount } from '../../container/oci-config/mounts.js'
import { giveToContainersRoot } from '../../../rootless/root-caller.js'
import { writeBundle } from '../containers/launch.js'
import type { StepRoot } from './fresh-layer.js'
import { runRecord, type RunCommand } from './run-record.js'
import type { Session } from './session.js'

/**
 * Runs a command where a step has failed, on this process's terminal: with the step's own mounts, on the files as it has
 * left them, of which it gets a copy to write to. Answers its exit status.
 */
export async function shellInStep(
  session: Session,
  command: RunCommand,
  { rootfs, lower, place }: StepRoot,
  mounts: readonly ResolvedMount[],
  argv: readonly string[],
): Promise<number> {
  const { workspace } = session
  const own = workspace.place()
  const mine: StepRoot['rootfs'] =
    rootfs.driver === 'dir'
      ? rootfs
      : { ...rootfs, lower: [place.diff, ...lower], upper: own.diff, work: own.work, volatile: true }
  const record = await runRecord(session, { ...command, argv }, { tty: true })
  const { runDir } = await writeBundle(session.context, record, {
    step: {
      folder: own.aside,
      run: workspace.runFolder(),
      rootfs: mine,
      mounts: mounts.map((mount) => again(mount, own.aside)),
    },
  })
  const { spawn } = await import('node:child_process')
  const child = spawn(nativeFile('tspod-runtime'), ['launch', runDir, '--attach=stdin,stdout,stderr'], {
    stdio: 'inherit',
    cwd: '/',
  })
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new TspodError('launch-failed', 'starting the shell', { cause })))
    child.once('close', (code) => resolve(code ?? -1))
  })
}

/** The kernel mounts an upper folder only once at a time. */
function again(mount: ResolvedMount, aside: string): ResolvedMount {
  if (mount.type !== 'overlay' || mount.upper === undefined) return mount
  const name = Buffer.from(mount.target).toString('hex').slice(-64)
  const [upper, work] = ['upper', 'work'].map((kind) => join(aside, `${kind}-${name}`)) as [string, string]
  for (const folder of [upper, work]) {
    mkdirSync(folder, { mode: 0o755 })
    giveToContainersRoot(folder)
  }
  return { ...mount, lower: [mount.upper, ...mount.lower], upper, work }
}
