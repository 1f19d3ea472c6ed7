import type { HistoryEntry, ImageSummary } from '../../index.js'
import { ago, goTime } from '../output/time.js'
import { spacedSize, humanSize } from '../output/units.js'
import type { Column } from '../output/table.js'

/** One line of `images`: an image under one of its names. */
export interface ImageRow {
  readonly image: ImageSummary
  readonly repository: string
  readonly tag: string
}

const none = '<none>'

/** A row for each name with a tag, or `<none>` in its place where an image has none; sorted as asked for. */
export function imageRows(images: readonly ImageSummary[], sort: string): ImageRow[] {
  const rows = images.flatMap((image): ImageRow[] => {
    const named = image.names.map((name) => ({ image, ...splitName(name) }))
    const tagged = named.filter(({ tag }) => tag !== none)
    if (tagged.length > 0) return tagged
    return named.length === 0 ? [{ image, repository: none, tag: none }] : named
  })
  const compare = orders[sort]
  return compare === undefined ? rows : [...rows].sort(compare)
}

export const sortKeys = ['created', 'id', 'repository', 'size', 'tag']

const orders: Readonly<Record<string, (one: ImageRow, other: ImageRow) => number>> = {
  created: (one, other) => other.image.created.getTime() - one.image.created.getTime(),
  id: (one, other) => text(one.image.id, other.image.id),
  repository: (one, other) => text(one.repository, other.repository) || text(one.tag, other.tag),
  size: (one, other) => one.image.size - other.image.size,
  tag: (one, other) => text(one.tag, other.tag),
}

/** The columns of the table. */
export function imageColumns(
  options: { readonly digests: boolean; readonly noTrunc: boolean; readonly history: boolean },
  now: Date,
): Column<ImageRow>[] {
  return [
    { heading: 'REPOSITORY', cell: ({ repository }) => repository },
    { heading: 'TAG', cell: ({ tag }) => tag },
    ...(options.digests ? [{ heading: 'DIGEST', cell: ({ image }: ImageRow) => image.digest }] : []),
    { heading: 'IMAGE ID', cell: ({ image }) => shownId(image, options.noTrunc) },
    { heading: 'CREATED', cell: ({ image }) => ago(image.created, now) },
    { heading: 'SIZE', cell: ({ image }) => spacedSize(image.size) },
    ...(options.history ? [{ heading: 'HISTORY', cell: ({ image }: ImageRow) => image.history.join(', ') }] : []),
  ]
}

/** Twelve digits, or all of them behind their algorithm. */
export function shownId(image: Pick<ImageSummary, 'id'>, noTrunc: boolean): string {
  return noTrunc ? `sha256:${image.id}` : image.id.slice(0, 12)
}

/** What `--format` templates see. */
export function imageFields(row: ImageRow, noTrunc: boolean, now: Date): object {
  const { image } = row
  return {
    ID: noTrunc ? `sha256:${image.id}` : image.id.slice(0, 12),
    Id: image.id,
    Repository: row.repository,
    Tag: row.tag,
    Digest: image.digest,
    Created: ago(image.created, now),
    CreatedSince: ago(image.created, now),
    CreatedAt: goTime(image.created),
    CreatedTime: goTime(image.created),
    Size: spacedSize(image.size),
    VirtualSize: image.size,
    SharedSize: image.sharedSize,
    Labels: image.labels,
    Names: image.names,
    RepoTags: image.repoTags,
    RepoDigests: image.repoDigests,
    History: image.history.join(', '),
    Containers: image.containers,
    Dangling: image.dangling,
    ReadOnly: image.readOnly,
    ParentId: image.parentId,
    Arch: image.architecture,
    Os: image.os,
    IsManifestList: image.isManifestList,
  }
}

export const imageHeadings = {
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  ReadOnly: 'R/O',
}

/** What JSON has of an image; Podman's members. */
export function imageJson(image: ImageSummary): object {
  return {
    Id: image.id,
    ParentId: image.parentId,
    RepoTags: image.repoTags,
    RepoDigests: image.repoDigests,
    Size: image.size,
    SharedSize: image.sharedSize,
    VirtualSize: image.size,
    Labels: image.labels,
    Containers: image.containers,
    ...(image.dangling ? { Dangling: true } : {}),
    Arch: image.architecture,
    Os: image.os,
    IsManifestList: image.isManifestList,
    Digest: image.digest,
    History: image.history,
    Names: image.names,
    Created: Math.floor(image.created.getTime() / 1000),
    CreatedAt: image.created.toISOString().replace(/\.?0*Z$/, 'Z'),
  }
}

/** The columns of `history`. */
export function historyColumns(
  options: { readonly human: boolean; readonly noTrunc: boolean },
  now: Date,
): Column<HistoryEntry>[] {
  return [
    { heading: 'ID', cell: (entry) => historyId(entry, options.noTrunc) },
    { heading: 'CREATED', cell: (entry) => (options.human ? ago(entry.created, now) : isoSeconds(entry.created)) },
    { heading: 'CREATED BY', cell: (entry) => shortened(entry.createdBy, options.noTrunc) },
    { heading: 'SIZE', cell: (entry) => (options.human ? humanSize(entry.size, 3) : String(entry.size)) },
    { heading: 'COMMENT', cell: (entry) => entry.comment },
  ]
}

/** What `history --format` templates see. */
export function historyFields(
  entry: HistoryEntry,
  options: { readonly human: boolean; readonly noTrunc: boolean },
  now: Date,
): object {
  return {
    ID: historyId(entry, options.noTrunc),
    Created: options.human ? ago(entry.created, now) : isoSeconds(entry.created),
    CreatedSince: ago(entry.created, now),
    CreatedAt: isoSeconds(entry.created),
    CreatedBy: shortened(entry.createdBy, options.noTrunc),
    Size: options.human ? humanSize(entry.size, 3) : String(entry.size),
    Comment: entry.comment,
    Tags: entry.tags,
  }
}

/** What `history --format json` has. */
export function historyJson(entry: HistoryEntry): object {
  return {
    id: entry.id,
    created: isoSeconds(entry.created),
    CreatedBy: entry.createdBy,
    ...(entry.tags.length === 0 ? {} : { tags: entry.tags }),
    size: entry.size,
    ...(entry.comment === '' ? {} : { comment: entry.comment }),
  }
}

export function historyId(entry: HistoryEntry, noTrunc: boolean): string {
  return noTrunc || entry.id.startsWith('<') ? entry.id : entry.id.slice(0, 12)
}

function shortened(createdBy: string, noTrunc: boolean): string {
  return noTrunc || createdBy.length <= 45 ? createdBy : `${createdBy.slice(0, 42)}...`
}

function isoSeconds(date: Date): string {
  return date.toISOString().replace(/\.?0*Z$/, 'Z')
}

function splitName(name: string): { repository: string; tag: string } {
  const at = name.indexOf('@')
  if (at !== -1) return { repository: name.slice(0, at), tag: none }
  const colon = name.lastIndexOf(':')
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
}

function text(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
