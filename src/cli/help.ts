import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../base/errors.js'
import type { Program } from './main.js'
import { writeOutput } from './output/write.js'

/** Prints what oclif says of the command or topic that the first words name: the build has written it down. */
export function showHelp(words: readonly string[], { aliases }: Program): number {
  for (let count = words.length; count >= 0; count--) {
    const name = words.slice(0, count).join(':')
    const text = helpOf(Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name)
    if (text === undefined || (count === 0 && words.length > 0)) continue
    writeOutput(text)
    return 0
  }
  throw new TspodError('usage', `unknown command "${words.join(' ')}"; see 'tspod --help'`)
}

function helpOf(id: string): string | undefined {
  if (!/^[a-z0-9:-]*$/.test(id)) return undefined
  try {
    return readFileSync(join(import.meta.dirname, 'help', `${id}.txt`), 'utf8')
  } catch {
    return undefined
  }
}
