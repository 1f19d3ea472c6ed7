import { isAbsolute } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { podmanStorePlace } from '../../config/storage-conf.js'
import type { ImageSource } from '../../image/image.js'
import { podmanSource } from '../../image/podman/source.js'
import {
  layerFolder,
  openPodmanStore,
  tarSplitPath,
  type PodmanImage,
  type PodmanLayer,
  type PodmanStore,
} from '../../image/podman/store.js'
import { readTarSplit } from '../../image/podman/tar-split.js'
import { formatReference, parseFamiliar, parseReference, withDefaultTag } from '../../image/reference.js'
import { assembled } from '../../storage/assemble.js'
import type { Context } from '../context.js'

export interface PodmanChoice {
  /** What policy.json calls it. */
  readonly scope: string
  /** Those it gets here. */
  readonly names: readonly string[]
  readonly open: () => Promise<ImageSource>
}

/**
 * An image of Podman's own store of this user: `containers-storage:[[DRIVER@]FOLDER]NAME` or an ID. The store is only read,
 * and Podman may work in it meanwhile.
 */
export function choosePodmanImage(context: Context, text: string): PodmanChoice {
  const { place, name } = parsePlace(context, text)
  const store = openPodmanStore(place.graphroot, place.driver)
  const { image, named } = findImage(store, name)
  return {
    scope: `[${store.driver}@${store.graphroot}]${named ?? `@${image.id}`}`,
    names: named === undefined ? [] : [named],
    open: () => podmanSource(store, image, (layer) => layerBytes(store, layer)),
  }
}

/** `[DRIVER@FOLDER+RUNFOLDER:OPTIONS]`, or `[FOLDER]`, in front says where the store is. */
function parsePlace(context: Context, text: string): { place: ReturnType<typeof podmanStorePlace>; name: string } {
  const [, spec, name = text] = /^\[([^\]]*)\](.*)$/.exec(text) ?? []
  if (spec === undefined) return { place: podmanStorePlace(context.env), name }
  const [, driver, graphroot = ''] = /^(?:(\w+)@)?([^+:]+)/.exec(spec) ?? []
  if (!isAbsolute(graphroot))
    throw new TspodError('invalid-reference', `containers-storage:[${spec}] names no folder by its whole path`)
  return { place: { graphroot, driver }, name }
}

function findImage(store: PodmanStore, text: string): { image: PodmanImage; named?: string } {
  const byId = findById(store, text.replace(/^@/, ''))
  if (byId !== undefined) return { image: byId }
  for (const name of namesOf(text)) {
    const image = store.images.find(({ names }) => names.includes(name))
    if (image !== undefined) return { image, named: name }
  }
  throw new TspodError('no-such-image', `${text}: image not known to Podman in ${store.graphroot}`)
}

function findById({ images }: PodmanStore, text: string): PodmanImage | undefined {
  const prefix = text.replace(/^sha256:/, '')
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) return undefined
  const found = images.filter(({ id }) => id.startsWith(prefix))
  if (found.length > 1)
    throw new TspodError('ambiguous-name', `the ID ${text} is the beginning of more than one image's`)
  return found[0]
}

/** As Podman reads a short name: its own images first. */
function namesOf(text: string): readonly string[] {
  const familiar = withDefaultTag(parseFamiliar(text))
  if (familiar.domain !== '') return [formatReference(familiar)]
  return [formatReference({ ...familiar, domain: 'localhost' }), formatReference(withDefaultTag(parseReference(text)))]
}

/** Root's store is root's own; a user's belongs to the ids of the user's namespace. */
async function* layerBytes(store: PodmanStore, layer: PodmanLayer): AsyncGenerator<Uint8Array> {
  const isRoot = process.geteuid?.() === 0
  const { hostMapping } = await import('../../../rootless/ladder.js')
  const plan = isRoot ? undefined : (await hostMapping()).plan
  yield* assembled(readTarSplit(tarSplitPath(store, layer)), layerFolder(store, layer), plan)
}
