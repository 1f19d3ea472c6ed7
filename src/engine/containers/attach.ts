import { TspodError } from '../../base/errors.js'
import { nativeFile } from '../../base/native-dir.js'
import { execve } from '../../base/syscalls.js'
import type { Context } from '../context.js'
import { observe } from './observe.js'
import { containerPaths, findContainer } from './store.js'
import type { AttachOptions, ForegroundResult } from './types.js'

/** Becomes the client of a running container. Comes back only by throwing. */
export async function attachInPlace(
  context: Context,
  nameOrId: string,
  options: AttachOptions = {},
): Promise<ForegroundResult> {
  const record = findContainer(context, nameOrId)
  const seen = observe(context, record.id)
  const starts = options.start === true && seen.status === 'initialized'
  if (seen.status !== 'running' && !starts) {
    throw new TspodError('container-not-running', 'you can only attach to running containers')
  }
  if (!seen.monitored)
    throw new TspodError(
      'container-state',
      `cannot attach to container ${record.name}: its monitor is gone, and with it the ends of its input and output; ` +
        '"tspod exec" still works',
    )
  const keys = options.detachKeys ?? record.spec.detachKeys
  const argv = [
    'tspod-runtime',
    'attach',
    containerPaths(context.paths, record.id).socket,
    ...(starts ? ['--start'] : []),
    ...(options.stdin === false ? ['--no-stdin'] : []),
    ...(keys === '' ? [] : ['--detach-keys', keys]),
    `--sig-proxy=${options.sigProxy ?? !record.spec.tty}`,
  ]
  context.options.beforeExec?.()
  return execve(nativeFile('tspod-runtime'), argv)
}
