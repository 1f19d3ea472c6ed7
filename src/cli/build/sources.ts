import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BuildOptions } from '../../index.js'

/**
 * Finds the text of a Dockerfile by the name that messages have for it; undefined where it was somewhere else than in a
 * folder of this machine.
 */
export function dockerfileReader({ context, files = [] }: BuildOptions): (file: string) => string | undefined {
  return (file) => {
    for (const given of files) if (typeof given !== 'string' && given.name === file) return textOf(given.text)
    /* What the lines of cpp's output are in its input is not known. */
    if (file.endsWith('.in')) return undefined
    const folder = typeof context === 'string' ? context : '.'
    return [file, join(folder, file)].map(read).find((text) => text !== undefined)
  }
}

function textOf(text: string | Uint8Array): string {
  return typeof text === 'string' ? text : Buffer.from(text).toString('utf8')
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // An excerpt is for convenience: the warning says file and line.
    return undefined
  }
}
