import { mkdirSync, writeFileSync } from 'node:fs'
import { TspodError } from '../src/base/errors.js'
import { hasErrno, readText } from '../src/state/file.js'
import { type CgroupSupport, ownCgroup, readControllers } from './cgroup.js'

const supervisor = 'supervisor'

/**
 * Divides the cgroup that this process is in: we, and the monitor with us, go to a folder of it, since a cgroup with
 * processes cannot hand controllers down (cgroups(7), “no internal processes”); the container gets one beside that.
 */
export function splitOwnCgroup(own: string | undefined = ownCgroup()): CgroupSupport {
  if (own === undefined) throw cannot('the own cgroup is not to be seen', undefined)
  const unit = own.endsWith(`/${supervisor}`) ? own.slice(0, -supervisor.length - 1) : own
  const folder = `${unit}/${supervisor}`
  try {
    mkdirSync(folder, { mode: 0o755 })
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw cannot(`${unit} is not this user's`, error)
  }
  const others = (readText(`${unit}/cgroup.procs`) ?? '').split('\n').filter((line) => /^\d+$/.test(line))
  for (const pid of new Set([String(process.pid), ...others])) move(pid, folder, unit)
  return {
    version: 2,
    manager: 'cgroupfs',
    reason: `beside its monitor in ${unit}`,
    remedy: [],
    controllers: readControllers(unit) ?? [],
    parent: unit,
  }
}

function move(pid: string, folder: string, unit: string): void {
  try {
    writeFileSync(`${folder}/cgroup.procs`, pid)
  } catch (error) {
    // Another of the unit's processes that has ended meanwhile.
    if (pid !== String(process.pid) && hasErrno(error, 'ESRCH')) return
    throw cannot(`process ${pid} of ${unit} cannot be moved`, error)
  }
}

function cannot(why: string, cause: unknown): TspodError {
  return new TspodError(
    'host-requirement',
    `--cgroups=split: ${why}: it is for services of the user's systemd, with Delegate=yes`,
    cause === undefined ? {} : { cause },
  )
}
