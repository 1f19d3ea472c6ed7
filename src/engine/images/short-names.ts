import { TspodError } from '../../base/errors.js'
import { readRegistriesConfig, type RegistriesConfig } from '../../config/registries-conf.js'
import {
  defaultDomain,
  formatReference,
  parseReference,
  withDefaultTag,
  type Reference,
} from '../../image/reference.js'
import type { Context } from '../context.js'

/** Where a short name may be, in order: its alias alone, or `localhost` and each search registry. */
export function shortNameCandidates(context: Context, short: Reference): readonly Reference[] {
  const config = readRegistriesConfig(context.env)
  const alias = aliasOf(config, short)
  if (alias !== undefined) return [alias]
  return [{ ...short, domain: 'localhost' }, ...searchCandidates(config, short)]
}

export interface PullCandidates {
  readonly references: readonly Reference[]
  /** How they came about, for a person: `Resolved "x" as an alias (…)`. */
  readonly explanation?: string
  /** registries.conf wants a person to choose. */
  readonly mustChoose: boolean
}

/** From where a short name is pulled. */
export function pullCandidates(config: RegistriesConfig, short: Reference): PullCandidates {
  const name = short.path
  if (config.shortNameMode !== 'disabled') {
    const alias = aliasOf(config, short)
    const file = config.aliasFiles[name] ?? config.path
    if (alias !== undefined)
      return { references: [alias], explanation: `Resolved "${name}" as an alias (${file})`, mustChoose: false }
  }
  const references = searchCandidates(config, short)
  if (references.length === 0) {
    throw new TspodError(
      'image-pull-failed',
      `short-name "${name}" did not resolve to an alias and no unqualified-search registries are defined in "${config.path}"`,
    )
  }
  return {
    references,
    explanation: `Resolving "${name}" using unqualified-search registries (${config.path})`,
    mustChoose: references.length > 1 && config.shortNameMode !== 'disabled',
  }
}

/**
 * Where there is no registries.conf, a short name is Docker Hub's, as every Docker user expects. A file without a list, or
 * with an empty one, means what it says.
 */
function searchCandidates(config: RegistriesConfig, short: Reference): readonly Reference[] {
  const registries = config.searchRegistries ?? [defaultDomain]
  return registries.map((registry) => parseReference(`${registry}/${formatReference(withDefaultTag(short))}`))
}

function aliasOf(config: RegistriesConfig, short: Reference): Reference | undefined {
  const alias = config.aliases[short.path]
  if (alias === undefined) return undefined
  const { domain, path } = parseReference(alias)
  return withDefaultTag({ ...short, domain, path })
}
