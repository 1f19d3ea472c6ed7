import { constants, copyFileSync, lstatSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { userFolder } from '../../systemd/quadlet/folders.js'
import { kindOf } from '../../systemd/quadlet/source.js'
import { removeFile, writeFileAtomic } from '../../state/file.js'
import type { Context } from '../context.js'
import { warnOfLogout } from './linger.js'
import { addBelongings } from './quadlet-applications.js'
import { bring, type Brought, type NewFile } from './quadlet-sources.js'
import { reload } from './systemctl.js'
import type { QuadletInstallOptions, QuadletInstallReport } from './types.js'

/** Puts quadlets, and what comes with them, where this user's are. */
export async function installQuadlets(
  context: Context,
  paths: readonly string[],
  options: QuadletInstallOptions,
): Promise<QuadletInstallReport> {
  const folder = userFolder(context.env)
  // All are looked at before one is written.
  const brought: Brought[] = []
  for (const path of paths) brought.push(await bring(context, path))
  const files = brought.flatMap((each) => each.files)
  if (!files.some(isQuadlet))
    throw new TspodError(
      'invalid-argument',
      `no quadlet among ${paths.join(', ')}: their names end in .container, .volume, .network, .pod, .kube, .image or .build`,
    )
  const twice = files.find(({ name }, index) => files.findIndex((other) => other.name === name) !== index)
  if (twice !== undefined) throw new TspodError('invalid-argument', `${twice.name} would be installed twice`)
  for (const { name } of files) if (options.replace !== true) requireFree(folder, name)
  mkdirSync(folder, { recursive: true })
  const installed = files.map((file) => place(file, join(folder, file.name)))
  for (const [list, names] of listsOf(brought)) addBelongings(folder, list, names)
  const errors = options.reload === false ? [] : await reload(context)
  await warnOfLogout(context)
  return { installed, errors }
}

function place({ content, mode }: NewFile, path: string): string {
  if (content instanceof Uint8Array) writeFileAtomic(path, content, { mode })
  else {
    const temporary = `${path}.${String(process.pid)}.tmp`
    try {
      copyFileSync(content.path, temporary, constants.COPYFILE_FICLONE)
      renameSync(temporary, path)
    } catch (error) {
      removeFile(temporary)
      throw new TspodError('io', `copying ${content.path}`, { cause: error })
    }
  }
  return path
}

function isQuadlet({ name }: NewFile): boolean {
  return kindOf(name) !== undefined
}

function requireFree(folder: string, name: string): void {
  if (lstatSync(join(folder, name), { throwIfNoEntry: false }) === undefined) return
  const advice = kindOf(name) === undefined ? '' : `, or remove it with "tspod quadlet rm ${name}"`
  throw new TspodError('name-in-use', `${join(folder, name)} is there already: say --replace${advice}`)
}

/**
 * What belongs together: an application, which a folder or a `.quadlets` file is, with what was named after it; a quadlet
 * with the other files that were named after it.
 */
function listsOf(brought: readonly Brought[]): Map<string, string[]> {
  const lists = new Map<string, string[]>()
  let current: string | undefined
  const put = (file: NewFile): void => {
    if (current !== undefined) lists.set(current, [...(lists.get(current) ?? []), file.name])
  }
  for (const { files, application } of brought) {
    if (application !== undefined) current = `.${application}.app`
    for (const file of files) {
      if (isQuadlet(file) && current?.endsWith('.app') !== true) current = `.${file.name}.asset`
      else put(file)
    }
  }
  return lists
}
