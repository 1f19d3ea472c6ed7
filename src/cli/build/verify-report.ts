import type { VerifyResult } from '../../index.js'
import { plainText } from '../output/plain-text.js'

/** What `--verify` says: that both builds agree, or where they first differ. */
export function formatDifference(difference: VerifyResult['difference']): string {
  if (difference === undefined) return 'Built twice: the results are the same.\n'
  const { instruction, line, what, path, detail } = difference
  const where = line === undefined ? '' : ` (line ${String(line)})`
  const of = path === undefined ? '' : ` at ${plainText(path)}`
  return `Built twice: the results differ.\n${plainText(instruction)}${where}: its ${what} differs${of}: ${plainText(detail)}\n`
}
