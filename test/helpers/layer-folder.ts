import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostMapping } from '../../rootless/ladder.js'
import type { UsernsPlan } from '../../src/runtime/protocol.js'
import { packLayer } from '../../src/storage/pack.js'
import { removeTrees } from '../../src/storage/remove.js'
import { unpackLayer, type Unpacked, type UnpackOptions } from '../../src/storage/unpack.js'
import { readTar, type ReadEntry } from './read-tar.js'

/** A folder for layers of a test, with the files of many ids; gone when disposed of. */
export interface LayerFolder extends AsyncDisposable {
  readonly path: string
  readonly plan: UsernsPlan
  /** An empty folder within. */
  folder(name: string): Promise<string>
  /** Writes a blob and unpacks it into a new folder `name`. */
  apply(name: string, blob: Uint8Array, options?: Partial<UnpackOptions>): Promise<Unpacked>
  /** What a folder holds, as a layer's entries. */
  entries(name: string): Promise<ReadEntry[]>
}

export async function layerFolder(given?: UsernsPlan): Promise<LayerFolder> {
  const path = await mkdtemp(join(tmpdir(), 'tspod-layer-'))
  const plan = given ?? (await hostMapping()).plan
  const folder = async (name: string): Promise<string> => {
    await mkdir(join(path, name))
    return join(path, name)
  }
  return {
    path,
    plan,
    folder,
    async apply(name, blob, options = {}) {
      const file = join(path, `${name}.blob`)
      await writeFile(file, blob)
      return unpackLayer(file, await folder(name), { plan, ...options })
    },
    async entries(name) {
      const output = join(path, `${name}.packed`)
      await packLayer(join(path, name), { plan, output })
      return readTar(output)
    },
    async [Symbol.asyncDispose]() {
      await removeTrees([path], plan)
    },
  }
}
