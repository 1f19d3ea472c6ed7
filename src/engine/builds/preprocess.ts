import { TspodError } from '../../base/errors.js'
import { runCommand } from '../../runtime/command.js'

export interface PreprocessOptions {
  /** The build's context, where `#include "…"` looks. */
  readonly folder: string | undefined
  /** Further arguments of cpp's. */
  readonly flags?: readonly string[] | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** The output's bound, bytes. */
  readonly maximum: number
}

/**
 * A Containerfile.in as the host's cpp leaves it (Buildah). A comment, which cpp takes for a directive that it does not
 * know, is no mistake. Throws `host-requirement` without cpp, `dockerfile-invalid` for what cpp refuses.
 */
export async function preprocess(source: Buffer, name: string, options: PreprocessOptions): Promise<Buffer> {
  const { folder, env, flags = [], maximum } = options
  const quoted = folder === undefined ? [] : ['-iquote', folder]
  const command = await runCommand('cpp', ['-E', ...quoted, '-traditional', '-undef', ...flags, '-'], {
    env: { ...env, LC_ALL: 'C' },
    input: source,
    maximumOutput: maximum,
  }).catch((error: unknown) => {
    if (!(error instanceof TspodError)) throw error
    const hint = error.code === 'host-requirement' ? ', which has to preprocess it: install cpp' : ''
    throw new TspodError(error.code, `${name}: ${error.message}${hint}`, { cause: error })
  })
  const { status, stdout, stderr } = command
  if (status === 0) return stdout
  const complaints = stderr.split('\n').filter((line) => /error: /.test(line))
  const real = complaints.find((line) => !line.includes('error: invalid preprocessing directive'))
  if (real === undefined && complaints.length > 0) return stdout
  const why = (real ?? (stderr.trim() || `it ended with ${String(status)}`)).replace(/^<stdin>:/, '')
  throw new TspodError('dockerfile-invalid', `${name}: cpp: ${why}`)
}
