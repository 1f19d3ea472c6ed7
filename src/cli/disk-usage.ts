import type { DiskUsage, DiskUsageOf } from '../index.js'
import { statusText } from './containers/rows.js'
import { formatTable, type Column } from './output/table.js'
import { ago } from './output/time.js'
import { humanSize } from './output/units.js'

/** A line of `system df`. */
export interface UsageRow {
  readonly Type: string
  readonly Total: number
  readonly Active: number
  readonly RawSize: number
  readonly RawReclaimable: number
  readonly TotalCount: number
  readonly Size: string
  readonly Reclaimable: string
}

export function usageRows({ images, containers, volumes, builds }: DiskUsage): UsageRow[] {
  return [
    row('Images', images),
    row('Containers', containers),
    row('Local Volumes', volumes),
    row('Build Cache', builds),
  ]
}

function row(Type: string, { items, active, size, reclaimable }: DiskUsageOf<unknown>): UsageRow {
  const share = size === 0 ? 0 : Math.round((reclaimable / size) * 100)
  return {
    Type,
    Total: items.length,
    TotalCount: items.length,
    Active: active,
    RawSize: size,
    RawReclaimable: reclaimable,
    Size: humanSize(size),
    Reclaimable: `${humanSize(reclaimable)} (${String(share)}%)`,
  }
}

export const usageColumns: readonly Column<UsageRow>[] = [
  { heading: 'TYPE', cell: ({ Type }) => Type },
  { heading: 'TOTAL', cell: ({ Total }) => String(Total) },
  { heading: 'ACTIVE', cell: ({ Active }) => String(Active) },
  { heading: 'SIZE', cell: ({ Size }) => Size },
  { heading: 'RECLAIMABLE', cell: ({ Reclaimable }) => Reclaimable },
]

/** `system df --verbose`: image by image, container by container, volume by volume, step by step. */
export function verboseUsage({ images, containers, volumes, builds }: DiskUsage, now: Date): string {
  const imageTable = formatTable<DiskUsage['images']['items'][number]>(
    [
      { heading: 'REPOSITORY', cell: ({ repoTags }) => repository(repoTags[0]) },
      { heading: 'TAG', cell: ({ repoTags }) => tag(repoTags[0]) },
      { heading: 'IMAGE ID', cell: ({ id }) => id.replace(/^sha256:/, '').slice(0, 12) },
      { heading: 'CREATED', cell: ({ created }) => ago(created, now) },
      { heading: 'SIZE', cell: ({ size }) => humanSize(size) },
      { heading: 'SHARED SIZE', cell: ({ sharedSize }) => humanSize(sharedSize) },
      { heading: 'UNIQUE SIZE', cell: ({ size, sharedSize }) => humanSize(size - sharedSize) },
      { heading: 'CONTAINERS', cell: (image) => String(image.containers) },
    ],
    images.items,
  )
  const containerTable = formatTable<DiskUsage['containers']['items'][number]>(
    [
      { heading: 'CONTAINER ID', cell: ({ id }) => id.slice(0, 12) },
      { heading: 'IMAGE', cell: ({ image }) => image },
      { heading: 'COMMAND', cell: ({ command }) => command.join(' ') },
      { heading: 'LOCAL VOLUMES', cell: ({ mounts }) => String(mounts.length) },
      { heading: 'SIZE', cell: ({ size }) => humanSize(size?.writable ?? 0) },
      { heading: 'CREATED', cell: ({ created }) => ago(created, now) },
      { heading: 'STATUS', cell: (container) => statusText(container, now) },
      { heading: 'NAMES', cell: ({ name }) => name },
    ],
    containers.items,
  )
  const volumeTable = formatTable<DiskUsage['volumes']['items'][number]>(
    [
      { heading: 'VOLUME NAME', cell: ({ name }) => name },
      { heading: 'LINKS', cell: ({ links }) => String(links) },
      { heading: 'SIZE', cell: ({ size }) => humanSize(size) },
    ],
    volumes.items,
  )
  const buildTable = formatTable<DiskUsage['builds']['items'][number]>(
    [
      { heading: 'CACHE ID', cell: ({ id }) => id.slice(0, 12) },
      { heading: 'CACHE TYPE', cell: ({ type }) => type },
      { heading: 'SIZE', cell: ({ size }) => humanSize(size) },
      { heading: 'CREATED', cell: ({ created }) => ago(created, now) },
      { heading: 'LAST USED', cell: ({ lastUsed }) => ago(lastUsed, now) },
      { heading: 'USAGE', cell: ({ uses }) => String(uses) },
      { heading: 'SHARED', cell: ({ shared }) => String(shared) },
    ],
    builds.items,
  )
  return [
    `Images space usage:\n\n${imageTable}`,
    `Containers space usage:\n\n${containerTable}`,
    `Local Volumes space usage:\n\n${volumeTable}`,
    `Build cache usage:\n\n${buildTable}`,
  ].join('\n')
}

function repository(name: string | undefined): string {
  return name === undefined ? '<none>' : name.slice(0, name.lastIndexOf(':'))
}

function tag(name: string | undefined): string {
  return name === undefined ? '<none>' : name.slice(name.lastIndexOf(':') + 1)
}
