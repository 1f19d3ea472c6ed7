import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { tarArchive, tarEntry } from '../helpers/tar.js'

/** Files of a few bytes to a few kilobytes, 100 to a folder, as packages have them. */
export function manyFiles(count: number, top = 'files'): Buffer {
  const parts: Buffer[] = [tarEntry({ path: `${top}/`, type: 'directory' })]
  for (let number = 0; number < count; number++) {
    const folder = `${top}/${String(Math.trunc(number / 100))}/`
    if (number % 100 === 0) parts.push(tarEntry({ path: folder, type: 'directory' }))
    parts.push(tarEntry({ path: `${folder}${String(number)}`, content: 'x'.repeat((number * 97) % 4096) }))
  }
  return Buffer.concat([...parts, tarArchive([])])
}

/** A folder in memory, where that is to be had: disks differ too much. */
export function inMemory(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tspod-bench-'))
}

/** Files of the containers' users are removed by the root of a user namespace that has them. */
export function removeTree(path: string): void {
  execFileSync('unshare', ['--user', '--map-root-user', '--map-auto', 'rm', '-rf', path])
}
