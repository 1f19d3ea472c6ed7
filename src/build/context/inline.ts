import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { writeFile } from '../../state/file.js'
import type { ContextTools } from './tools.js'
import { makeWorkFolder, type WorkFolder } from './work-folder.js'

/** Here-documents of COPY and ADD as files of a folder, each under its own name. Expanded already. */
export async function writeInlineFiles(
  files: readonly { readonly name: string; readonly content: string }[],
  tools: Pick<ContextTools, 'tmp' | 'remove'>,
): Promise<WorkFolder> {
  const folder = makeWorkFolder(tools)
  try {
    for (const { name, content } of files) {
      if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
        throw new TspodError('invalid-argument', `"${name}" is no name of a file: a here-document needs one`)
      }
      writeFile(join(folder.path, name), content, { mode: 0o644 })
    }
    return folder
  } catch (error) {
    await folder.close()
    throw error
  }
}
