import { TspodError } from '../../base/errors.js'
import { parseFamiliar } from '../../image/reference.js'
import { ImageStore, type IndexEntry } from '../../storage/images.js'
import type { Context } from '../context.js'
import { emitImageEvent } from '../events/write.js'
import { findImage } from './lookup.js'
import { localName } from './local-name.js'
import { withName, withoutName } from './names.js'
import { bareId, imageNotKnown } from './record.js'

/** Gives an image further names. */
export async function tagImage(context: Context, name: string, newNames: readonly string[]): Promise<void> {
  const normalized = newNames.map(tagName)
  const store = new ImageStore(context.paths)
  const found = await findImage(context, store.entries(), name)
  if (found === undefined) throw imageNotKnown(name)
  await store.update((entries) => {
    const entry = entries.find((one) => one.manifest === found.entry.manifest)
    if (entry === undefined) throw imageNotKnown(name)
    return { entries: normalized.reduce((all, one) => withName(all, entry, one), entries), result: undefined }
  })
  for (const one of normalized) emitImageEvent(context, 'tag', { ...idOf(found.entry), Name: one })
}

/** Takes names away; without any, all of them. The image stays. */
export async function untagImage(context: Context, name: string, names: readonly string[] = []): Promise<void> {
  const normalized = names.map(tagName)
  const store = new ImageStore(context.paths)
  const found = await findImage(context, store.entries(), name)
  if (found === undefined) throw imageNotKnown(name)
  const gone = await store.update((entries) => {
    const own = entries
      .filter((one) => one.id === found.entry.id && one.name !== undefined)
      .map((one) => one.name ?? '')
    for (const one of normalized) if (!own.includes(one)) throw new TspodError('no-such-image', `${one}: tag not known`)
    const gone = normalized.length === 0 ? own : normalized
    return { entries: gone.reduce<typeof entries>((all, one) => withoutName(all, one), entries), result: gone }
  })
  for (const one of gone) emitImageEvent(context, 'untag', { ...idOf(found.entry), Name: one })
}

/** Entries of other tools carry none. */
function idOf({ id }: IndexEntry): { readonly ID?: string } {
  return id === undefined ? {} : { ID: bareId(id) }
}

function tagName(text: string): string {
  const { digest } = parseFamiliar(text)
  if (digest !== undefined) throw new TspodError('invalid-reference', `${text}: a tag cannot have a digest`)
  return localName(text)
}
