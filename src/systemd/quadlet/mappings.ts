import { invalid, type Reader } from './source.js'
import { optionsOf, row } from './options.js'

const rows = [
  row('UserNS', '--userns', 'text'),
  row('UIDMap', '--uidmap', 'list'),
  row('GIDMap', '--gidmap', 'list'),
  row('SubUIDMap', '--subuidname', 'text'),
  row('SubGIDMap', '--subgidname', 'text'),
] as const

/** Podman's older words for the same, which it still takes. */
const oldKeys = ['RemapGid', 'RemapUid', 'RemapUidSize', 'RemapUsers'] as const

export const mappingKeys: readonly string[] = [...rows.map(({ key }) => key), ...oldKeys]
/** What a .kube has of it. */
export const kubeMappingKeys: readonly string[] = ['UserNS', ...oldKeys]

/** The options that choose a user namespace. */
export function mappingOptions(reader: Reader): string[] {
  const chosen = optionsOf(reader, rows)
  const old = oldKeys.find((key) => key !== 'RemapUidSize' && reader.text(key) !== undefined)
  if (chosen.length === 0) return oldOptions(reader)
  if (old !== undefined)
    throw invalid(reader.source, `${old}= is older than UserNS=, UIDMap= and GIDMap=, and excludes them`)
  return chosen
}

function oldOptions(reader: Reader): string[] {
  const { source } = reader
  const users = reader.text('RemapUsers')
  const [uids, gids] = [reader.list('RemapUid'), reader.list('RemapGid')]
  switch (users) {
    case undefined:
      if (uids.length + gids.length > 0) throw invalid(source, 'RemapUid= and RemapGid= need RemapUsers=')
      return []
    case 'manual':
      if (source.kind === 'kube') throw invalid(source, 'RemapUsers=manual is not for a .kube')
      return [...uids.flatMap((map) => ['--uidmap', map]), ...gids.flatMap((map) => ['--gidmap', map])]
    case 'auto': {
      const size = reader.text('RemapUidSize')
      return userns('auto', [
        ...uids.map((map) => `uidmapping=${map}`),
        ...gids.map((map) => `gidmapping=${map}`),
        ...(size === undefined ? [] : [`size=${size}`]),
      ])
    }
    case 'keep-id':
      if (uids.length > 1 || gids.length > 1)
        throw invalid(source, 'RemapUsers=keep-id takes one RemapUid= and one RemapGid=')
      return userns('keep-id', [...uids.map((id) => `uid=${id}`), ...gids.map((id) => `gid=${id}`)])
    default:
      throw invalid(source, `RemapUsers=${users}: manual, auto or keep-id was expected`)
  }
}

function userns(mode: string, options: readonly string[]): string[] {
  return ['--userns', options.length === 0 ? mode : `${mode}:${options.join(',')}`]
}
