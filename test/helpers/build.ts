import { cp, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { baseImages } from './base-images.js'
import { tspodStore, type RunOptions, type TspodStore } from './tspod.js'

const fixtures = fileURLToPath(new URL('../fixtures/build/', import.meta.url))

/** A store that makes a base image when first asked for it. */
export interface BuildStore extends AsyncDisposable {
  readonly tspod: TspodStore
  /** False where this host has not what the image is made of. */
  needs(...names: (keyof typeof baseImages)[]): Promise<boolean>
  /** A copy of a fixture's folder, to be changed at will. */
  fixture(name: string): Promise<string>
  /** Builds, and gives the image's ID. */
  build(args: readonly string[], options?: RunOptions): Promise<string>
  /** What a container of the image prints. */
  output(image: string, ...command: string[]): Promise<string>
}

export async function buildStore(): Promise<BuildStore> {
  const tspod = await tspodStore()
  const made = new Map<string, Promise<boolean>>()
  const need = (name: keyof typeof baseImages): Promise<boolean> => {
    const image = made.get(name) ?? baseImages[name](tspod)
    made.set(name, image)
    return image
  }
  return {
    tspod,
    async needs(...names) {
      for (const name of names) if (!(await need(name))) return false
      return true
    },
    async fixture(name) {
      const folder = join(await mkdtemp(join(tspod.folder, 'context-')), 'context')
      await cp(join(fixtures, name), folder, { recursive: true })
      return folder
    },
    build: (args, options) => tspod.ok(['build', '--progress', 'plain', ...args], options),
    output: (image, ...command) => tspod.ok(['run', '--rm', '--network', 'none', image, ...command]),
    [Symbol.asyncDispose]: () => tspod[Symbol.asyncDispose](),
  }
}
