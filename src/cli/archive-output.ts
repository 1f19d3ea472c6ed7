import { isatty } from '../base/syscalls.js'
import { TspodError } from '../index.js'

/** Where an archive goes: a file, or stdout unless somebody would have to look at it. */
export function archiveOutput(file: string | undefined): string | number {
  if (file !== undefined && file !== '' && file !== '-') return file
  if (isatty(1)) throw new TspodError('usage', 'refusing to write an archive to a terminal: use --output or redirect')
  return 1
}
