import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { readIgnoreFile as readPatterns } from '../../build/ignore.js'
import { readText } from '../../state/file.js'

/**
 * The patterns of what a context does not show: of the file that was named, of the Dockerfile's own
 * (`NAME.containerignore`, `NAME.dockerignore`), or of `.containerignore` or `.dockerignore` in the context.
 */
export function readIgnoreFile(
  folder: string | undefined,
  named: string | undefined,
  dockerfile: string | undefined,
): readonly string[] {
  if (named !== undefined) {
    const text = readText(named)
    if (text === undefined) throw new TspodError('invalid-argument', `${named}: no such file`)
    return readPatterns(text, basename(named))
  }
  const candidates = [
    ...(dockerfile === undefined ? [] : [`${dockerfile}.containerignore`, `${dockerfile}.dockerignore`]),
    ...(folder === undefined ? [] : [join(folder, '.containerignore'), join(folder, '.dockerignore')]),
  ]
  const found = candidates.find((path) => existsSync(path))
  return found === undefined ? [] : readPatterns(readText(found) ?? '', basename(found))
}
