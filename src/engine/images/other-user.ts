import { statSync } from 'node:fs'
import { TspodError } from '../../base/errors.js'
import { runCommand } from '../../runtime/command.js'
import type { Context } from '../context.js'

/** In a shell: whatever of both there is. */
export const otherProgram = 'p=$(command -v tspod || command -v podman) && exec "$p"'

/** Ours, if the other user may read it: its launcher, the number of its words, and these; what his PATH has otherwise. */
const ownProgram = `s=$1 n=$2; shift 2; [ -r "$s" ] && exec "$@"; shift "$n"; ${otherProgram} "$@"`

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * What root gives runuser(1) so that another user of this host runs tspod: with his environment, but without
 * his login shell, which may be none, or say something of its own.
 */
export async function otherUserArguments(
  context: Context,
  user: string,
  command: readonly string[],
): Promise<readonly string[]> {
  const { name, uid, home } = await account(context, user)
  const runtime = `/run/user/${uid}`
  const hasRuntime = statSync(runtime, { throwIfNoEntry: false })?.isDirectory() === true
  const variables = {
    HOME: home,
    USER: name,
    LOGNAME: name,
    PATH: systemPath,
    ...(hasRuntime ? { XDG_RUNTIME_DIR: runtime } : {}),
    ...(context.env['LANG'] === undefined ? {} : { LANG: context.env['LANG'] }),
  }
  const { self = [] } = context.options
  return [
    ...['-u', name, '--', 'env', '-i', '--chdir=/'],
    ...Object.entries(variables).map(([key, value]) => `${key}=${value}`),
    ...(self.length === 0
      ? ['sh', '-c', `${otherProgram} "$@"`, 'sh', ...command]
      : ['sh', '-c', ownProgram, 'sh', self.at(-1) ?? '', String(self.length), ...self, ...command]),
  ]
}

async function account(
  context: Context,
  user: string,
): Promise<{ readonly name: string; readonly uid: string; readonly home: string }> {
  const { status, stdout } = await runCommand('getent', ['passwd', '--', user], { env: context.env })
  const [name = '', , uid = '', , , home = '/'] = stdout.toString('utf8').trimEnd().split(':')
  if (status === 0 && name !== '' && /^\d+$/.test(uid)) return { name, uid, home }
  throw new TspodError('invalid-argument', `unknown user ${JSON.stringify(user)}`)
}
