import { nativeFile } from '../../base/native-dir.js'
import { TspodError } from '../../base/errors.js'
import { execve } from '../../base/syscalls.js'
import { findCommand } from './find-command.js'
import { hostMapping, insideVariable } from '../../../rootless/ladder.js'
import { usernsArguments } from '../../storage/inside.js'
import type { Context } from '../context.js'

/** Becomes a command (the shell, if there is none) in a user namespace with the ids that containers have. */
export async function unshareInPlace(context: Context, command: readonly string[]): Promise<never> {
  const { plan } = await hostMapping()
  const shell = context.env['SHELL'] ?? ''
  const [name = shell === '' ? '/bin/sh' : shell, ...rest] = command
  const program = findCommand(name, context.env['PATH'])
  if (plan.mode !== 'new' && plan.mode !== 'host')
    throw new TspodError('internal', 'the own user namespace is one to join')
  const argv = ['tspod-inside', 'run', '--for-people', ...usernsArguments(plan), '--', program, ...rest]
  context.options.beforeExec?.()
  return execve(nativeFile('tspod-inside'), argv, { env: { ...context.env, [insideVariable]: '1' } })
}
