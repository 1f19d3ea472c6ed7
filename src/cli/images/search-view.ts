import type { SearchResult, TagResult } from '../../index.js'
import type { ListLayout } from '../output/list.js'

const descriptionWidth = 44

/** The columns, templates and JSON of `search`. */
export function searchLayout(options: {
  readonly compatible: boolean
  readonly noTrunc: boolean
}): ListLayout<SearchResult> {
  const shown = ({ description }: SearchResult): string => shortened(description, options.noTrunc)
  return {
    columns: [
      { heading: 'NAME', cell: ({ name }) => name },
      { heading: 'DESCRIPTION', cell: shown },
      ...(options.compatible
        ? [
            { heading: 'STARS', cell: ({ stars }: SearchResult) => String(stars) },
            { heading: 'OFFICIAL', cell: ({ official }: SearchResult) => mark(official) },
            { heading: 'AUTOMATED', cell: ({ automated }: SearchResult) => mark(automated) },
          ]
        : []),
    ],
    fields: (row) => ({
      Index: row.index,
      Name: row.name,
      Description: shown(row),
      Stars: row.stars,
      Official: mark(row.official),
      Automated: mark(row.automated),
      Tag: '',
    }),
    json: (row) => ({
      Index: row.index,
      Name: row.name,
      Description: row.description,
      Stars: row.stars,
      Official: mark(row.official),
      Automated: mark(row.automated),
      Tag: '',
    }),
  }
}

/** The columns, templates and JSON of `search --list-tags`; a row has one tag, in JSON all. */
export const tagLayout: ListLayout<TagResult> = {
  columns: [
    { heading: 'NAME', cell: ({ name }) => name },
    { heading: 'TAG', cell: ({ tags }) => tags.join(',') },
  ],
  fields: ({ name, tags }) => ({ Name: name, Tag: tags.join(',') }),
  json: ({ name, tags }) => ({ Name: name, Tags: tags }),
}

function mark(is: boolean): string {
  return is ? '[OK]' : ''
}

function shortened(text: string, noTrunc: boolean): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return noTrunc || line.length <= descriptionWidth ? line : `${line.slice(0, descriptionWidth)}...`
}
