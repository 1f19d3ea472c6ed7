import { mkdirSync } from 'node:fs'
import { tarRoot } from '../../storage/root-archive.js'
import type { Produced } from './produce.js'
import { withSource, type Files } from './root.js'

/** As the caller's own: what is in it belongs to who builds. */
export async function writeFolder(
  { session, unpack }: Pick<Produced, 'session' | 'unpack'>,
  files: Files,
  folder: string,
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const { plan, times, options } = session
  await withSource(session, files, (root) =>
    tarRoot(root, {
      plan,
      ...times,
      signal: options.signal,
      output: (chunks) => unpack(chunks, folder, options.signal),
    }),
  )
}
