import { execFile } from 'node:child_process'
import { lstat, readFile, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { tarArchive, type TarEntry } from './tar.js'

const run = promisify(execFile)

/** The host's path of a program; undefined where there is none. Debian's own folders only. */
export async function hostProgram(name: string): Promise<string | undefined> {
  const places = name.startsWith('/')
    ? [name]
    : ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].map((dir) => `${dir}/${name}`)
  for (const place of places) {
    const found = await stat(place).then(
      (status) => status.isFile(),
      () => false,
    )
    if (found) return place
  }
  return undefined
}

/**
 * A layer with these files of the host, at the places where the host has them, with the libraries that the programs
 * among them load. A symbolic link comes as the file that it names.
 */
export async function hostFilesLayer(
  files: readonly string[],
  more: readonly TarEntry[] = [],
  empty: readonly string[] = [],
): Promise<Buffer> {
  const wanted = new Set(files.map((file) => resolve('/', file)))
  for (const file of [...wanted]) for (const library of await librariesOf(file)) wanted.add(library)
  const entries: TarEntry[] = []
  for (const file of [...wanted].sort()) {
    const path = await realpath(file)
    const { mode } = await stat(path)
    entries.push({ path: file.slice(1), mode: mode & 0o7777, content: await readFile(path) })
  }
  const all = [...entries, ...more]
  const folders = foldersOf([...all.map(({ path }) => path), ...empty.map((path) => `${path.replace(/^\//, '')}/x`)])
  return tarArchive([...folders.map((path): TarEntry => ({ path: `${path}/`, type: 'directory' })), ...all])
}

/** By what ldd says; nothing for what is no dynamic program. */
async function librariesOf(file: string): Promise<string[]> {
  const head = await readFile(file).then((content) => content.subarray(0, 4))
  if (!head.equals(Buffer.from('\u007fELF', 'latin1'))) return []
  const { stdout } = await run('ldd', [file]).catch(() => ({ stdout: '' }))
  return [...stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path]) => path ?? '')
}

function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>()
  for (const path of paths)
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder)
  return [...folders].sort()
}

/** A symbolic link of the host, as an entry of an archive. */
export async function hostLink(path: string): Promise<TarEntry> {
  if (!(await lstat(path)).isSymbolicLink()) throw new Error(`${path} is no symbolic link`)
  return { path: path.slice(1), type: 'symlink', mode: 0o777, link: await readlink(path) }
}
