import { TspodError } from '../../base/errors.js'
import { findHelper } from '../../../rootless/ladder.js'
import { runCommand } from '../../runtime/command.js'
import type { Context } from '../context.js'

/** The output of `systemctl --user …`. Throws if there is no systemd for this user to talk to. */
export async function systemctl(context: Context, argv: readonly string[]): Promise<string> {
  const program = findHelper('systemctl', context.env['PATH'])?.path
  if (program === undefined)
    throw new TspodError('host-requirement', 'systemctl is not installed: quadlets are services of systemd')
  const { status, stdout, stderr } = await runCommand(program, ['--user', '--no-pager', ...argv], context)
  if (status !== 0) throw new TspodError('host-requirement', explain(argv, stderr))
  return stdout.toString('utf8')
}

function explain(argv: readonly string[], stderr: string): string {
  const words = stderr.trim().split('\n').at(-1) ?? ''
  const advice = /bus|connect/i.test(words)
    ? ': there is no systemd of this user: log in, or as root: loginctl enable-linger USER'
    : ''
  return `systemctl --user ${argv.join(' ')}: ${words === '' ? 'failed' : words}${advice}`
}
