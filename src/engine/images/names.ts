import type { Digest } from '../../oci/image-spec.js'
import { withHistory, type IndexEntry } from '../../storage/image-index.js'

/**
 * How names and entries go together: a name is on one entry only; a manifest has one entry for each of its names, or a
 * single one without a name. All functions are pure.
 */

/** Gives a manifest one more name; whatever had the name loses it, and stays without one if it had no other. */
export function withName(
  entries: readonly IndexEntry[],
  entry: IndexEntry,
  name: string | undefined,
): readonly IndexEntry[] {
  const freed = name === undefined ? entries : withoutName(entries, name)
  const same = freed.filter((one) => one.manifest === entry.manifest)
  const digests = [...new Set([...same.flatMap((one) => one.digests), ...entry.digests])]
  const history = same.reduce<readonly string[]>((all, one) => one.history.reduce(withHistory, all), entry.history)
  /* What comes without signatures takes none away: they are about the same bytes. */
  const signatures = entry.signatures ?? same.find((one) => one.signatures !== undefined)?.signatures
  const common = { digests, ...(signatures === undefined ? {} : { signatures }) }
  const merged: IndexEntry = {
    ...entry,
    ...common,
    history: name === undefined ? history : withHistory(history, name),
  }
  const others = freed.filter((one) => one.manifest !== entry.manifest)
  const named = same
    .filter((one) => one.name !== undefined)
    .map((one) => ({ ...one, ...common, history: merged.history }))
  if (name === undefined) return named.length > 0 ? [...others, ...named] : [...others, unnamed(merged)]
  return [...others, ...named, { ...merged, name }]
}

/** Takes a name away. The image stays. */
export function withoutName(entries: readonly IndexEntry[], name: string): readonly IndexEntry[] {
  const found = entries.find((one) => one.name === name)
  if (found === undefined) return entries
  const hasOther = entries.some((one) => one !== found && one.manifest === found.manifest)
  return hasOther
    ? entries.filter((one) => one !== found)
    : entries.map((one) => (one === found ? unnamed(found) : one))
}

/** Takes every entry of an image away. */
export function withoutImage(entries: readonly IndexEntry[], id: Digest): readonly IndexEntry[] {
  return entries.filter((one) => one.id !== id)
}

function unnamed(entry: IndexEntry): IndexEntry {
  const { name: _, ...rest } = entry
  return rest
}
