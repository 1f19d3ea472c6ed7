import { TspodError } from '../../base/errors.js'
import { findHelper } from '../../../rootless/ladder.js'
import type { Context } from '../context.js'

const maximumOutput = 8 * 1024 * 1024

/** The output of `systemctl --user …`. Throws if there is no systemd for this user to talk to. */
export async function systemctl(context: Context, argv: readonly string[]): Promise<string> {
  const program = findHelper('systemctl', context.env['PATH'])?.path
  if (program === undefined)
    throw new TspodError('host-requirement', 'systemctl is not installed: quadlets are services of systemd')
  const { execFile } = await import('node:child_process')
  const options = { env: context.env as NodeJS.ProcessEnv, maxBuffer: maximumOutput, encoding: 'utf8' } as const
  return new Promise((resolve, reject) => {
    execFile(program, ['--user', '--no-pager', ...argv], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new TspodError('host-requirement', explain(argv, stderr), { cause: error }))
    })
  })
}

function explain(argv: readonly string[], stderr: string): string {
  const words = stderr.trim().split('\n').at(-1) ?? ''
  const advice = /bus|connect/i.test(words)
    ? ': there is no systemd of this user: log in, or as root: loginctl enable-linger USER'
    : ''
  return `systemctl --user ${argv.join(' ')}: ${words === '' ? 'failed' : words}${advice}`
}
