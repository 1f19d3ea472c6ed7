import type { RestartPolicy } from '../../index.js'
import { invalid, parseInteger } from './value.js'

/** `no`, `always`, `unless-stopped`, `on-failure[:TIMES]` */
export function parseRestart(text: string): RestartPolicy {
  const [name = '', times] = text.split(':', 2)
  if (times !== undefined && name !== 'on-failure') throw invalid(`"${text}": only on-failure takes a number of times`)
  switch (name) {
    case '':
    case 'no':
    case 'never':
      return { name: 'no' }
    case 'always':
    case 'unless-stopped':
      return { name }
    case 'on-failure':
      return { name, ...(times === undefined ? {} : { maximumRetries: parseInteger(times, 0, 2 ** 31 - 1) }) }
    default:
      throw invalid(`unknown restart policy "${text}": no, on-failure[:TIMES], always or unless-stopped`)
  }
}
