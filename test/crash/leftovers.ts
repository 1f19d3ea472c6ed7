import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import type { Descriptor, ImageIndex, ImageManifest } from '../../src/oci/image-spec.js'
import type { ObservedState } from '../../src/runtime/protocol.js'
import { blobPath } from '../helpers/images.js'
import type { TspodStore } from '../helpers/tspod.js'

/** What is there although no container is. Empty when all is well. */
export async function leftovers(store: TspodStore): Promise<string[]> {
  const folders = ['containers', 'names', 'tmp'].map((name) => join(store.root, name))
  return [
    ...(await Promise.all([...folders, join(store.runroot, 'containers')].map(entriesOf))).flat(),
    ...(await mountsOf(store)),
    ...(await processesOf(store)).map(({ pid, command }) => `process ${String(pid)}: ${command}`),
    ...(await cgroupsOf(store)),
  ]
}

async function entriesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.map((name) => join(folder, name))
}

async function mountsOf(store: TspodStore): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table.split('\n').filter((line) => line.includes(store.folder))
}

export interface FoundProcess {
  readonly pid: number
  readonly command: string
}

/** The processes that name the store on their command line, or that run in one of its container's root. */
export async function processesOf(store: TspodStore): Promise<FoundProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      const mounts = words === '' ? '' : await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '')
      const own = words.includes(store.folder) || (await ownsMounts(pid, mounts, store))
      return own ? [{ pid: Number(pid), command: words.replaceAll('\0', ' ').trim() }] : []
    }),
  )
  return found.flat()
}

/** A mount namespace other than the test's whose root is an overlay on the store. */
async function ownsMounts(pid: string, mounts: string, store: TspodStore): Promise<boolean> {
  if (!mounts.includes(store.folder)) return false
  const [own, theirs] = await Promise.all(['self', pid].map((one) => readlink(`/proc/${one}/ns/mnt`).catch(() => '')))
  return theirs !== '' && own !== theirs
}

async function cgroupsOf(store: TspodStore): Promise<string[]> {
  const own = await readFile('/proc/self/cgroup', 'utf8')
  const path = /^0::(.*)$/m.exec(own)?.[1]
  if (path === undefined) return []
  const parent = join('/sys/fs/cgroup', path, '..')
  const names = await readdir(parent).catch(() => [])
  const states = await observedStates(store)
  return names.filter((name) => states.some(({ id }) => name.includes(id))).map((name) => join(parent, name))
}

export interface Observed extends Partial<ObservedState> {
  readonly id: string
}

/** Every container's state.json, as far as it is there. */
export async function observedStates(store: TspodStore): Promise<Observed[]> {
  const ids = await readdir(join(store.root, 'containers')).catch(() => [])
  return Promise.all(
    ids.map(async (id) => {
      const text = await readFile(join(store.root, 'containers', id, 'state.json'), 'utf8').catch(() => '{}')
      return { id, ...(JSON.parse(text) as Partial<ObservedState>) }
    }),
  )
}

/** What is wrong with the image store: everything that is named must be there, whole. */
export async function imageFaults(store: TspodStore): Promise<string[]> {
  const folder = join(store.root, 'images')
  const text = await readFile(join(folder, 'index.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return []
  const index = JSON.parse(text) as ImageIndex
  return (await Promise.all(index.manifests.map((descriptor) => descriptorFaults(folder, descriptor)))).flat()
}

async function descriptorFaults(folder: string, descriptor: Descriptor): Promise<string[]> {
  const path = blobPath(folder, descriptor.digest)
  const fault = await blobFault(path, descriptor)
  if (fault !== undefined) return [fault]
  if (!descriptor.mediaType.includes('manifest')) return []
  const document = JSON.parse(await readFile(path, 'utf8')) as Partial<ImageIndex> & Partial<ImageManifest>
  // An index may name platforms that were never pulled.
  if (document.manifests !== undefined) return []
  const parts = [document.config, ...(document.layers ?? [])].filter((part) => part !== undefined)
  return (await Promise.all(parts.map((part) => blobFault(blobPath(folder, part.digest), part)))).flatMap(
    (one) => one ?? [],
  )
}

async function blobFault(path: string, descriptor: Descriptor): Promise<string | undefined> {
  const hash = createHash('sha256')
  let size = 0
  try {
    await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk)
        size += chunk.length
      }
    })
  } catch (error) {
    return `${path}: ${String(error)}`
  }
  const digest = `sha256:${hash.digest('hex')}`
  return digest === descriptor.digest && size === descriptor.size
    ? undefined
    : `${path}: has ${digest}, ${String(size)} bytes`
}
