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

/** Has systemd read its units again. What was done before that is done; so its failure is told, not thrown. */
export async function reload(context: Context): Promise<Error[]> {
  try {
    await systemctl(context, ['daemon-reload'])
    return []
  } catch (error) {
    return [error instanceof Error ? error : new Error(String(error))]
  }
}

/** `active/running` and its like, by the unit's name; nothing of those that systemd does not know, or without a systemd. */
export async function unitStates(context: Context, units: readonly string[]): Promise<ReadonlyMap<string, string>> {
  // A template has no state.
  const asked = units.filter((unit) => !unit.includes('@.'))
  if (asked.length === 0) return new Map()
  const fields = 'Id,LoadState,ActiveState,SubState'
  try {
    const text = await systemctl(context, ['show', `--property=${fields}`, '--', ...asked])
    return new Map(text.split(/\n\n+/).flatMap(stateOf))
  } catch (error) {
    context.log('warn', error instanceof Error ? error.message : String(error))
    return new Map()
  }
}

function stateOf(block: string): [string, string][] {
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? ''
  if (value('Id') === '' || value('LoadState') !== 'loaded') return []
  return [[value('Id'), `${value('ActiveState')}/${value('SubState')}`]]
}

function explain(argv: readonly string[], stderr: string): string {
  const words = stderr.trim().split('\n').at(-1) ?? ''
  const advice = /bus|connect/i.test(words)
    ? ': there is no systemd of this user: log in, or as root: loginctl enable-linger USER'
    : ''
  return `systemctl --user ${argv.join(' ')}: ${words === '' ? 'failed' : words}${advice}`
}
