import { resolve } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { CachePlace } from '../../index.js'
import { csvFields } from './csv.js'
import { invalid, parseBoolean } from './value.js'

/**
 * `--cache-from` and `--cache-to`: `NAME`, `type=registry,ref=NAME`, `type=local,src=FOLDER` (or `dest=`), `type=inline`;
 * `mode=min|max` and `ignore-error=` with those that are written.
 */
export function parseCachePlace(text: string): CachePlace {
  if (!text.includes('=')) return { type: 'registry', reference: nonEmpty(text, text) }
  const fields = new Map(csvFields(text))
  const type = fields.get('type') ?? 'registry'
  const known = knownFields.get(type)
  if (known === undefined) throw unknownType(type)
  for (const key of fields.keys()) if (!known.includes(key)) throw invalid(`"${key}" is not known for a ${type} cache`)
  if (type === 'inline') return { type: 'inline' }
  const more = { ...modeOf(fields.get('mode')), ...ignoreError(fields) }
  if (type === 'registry') return { type, reference: nonEmpty(fields.get('ref'), text, 'ref'), ...more }
  const path = fields.get('src') ?? fields.get('dest')
  return { type: 'local', path: resolve(nonEmpty(path, text, 'src or dest')), ...more }
}

/** What BuildKit's clients write and what changes nothing here is accepted. */
const indifferent = ['oci-mediatypes', 'image-manifest', 'compression', 'force-compression', 'compression-level']
const knownFields: ReadonlyMap<string, readonly string[]> = new Map([
  ['registry', ['type', 'ref', 'mode', 'ignore-error', ...indifferent]],
  ['local', ['type', 'src', 'dest', 'mode', 'ignore-error', 'tag', ...indifferent]],
  ['inline', ['type']],
])

function unknownType(type: string): TspodError {
  if (['gha', 's3', 'azblob'].includes(type))
    return new TspodError('not-supported', `a cache of type "${type}" is not supported: use registry or local`)
  return invalid(`unknown type "${type}" of a cache: registry, local or inline`)
}

function nonEmpty(value: string | undefined, whole: string, key?: string): string {
  if (value !== undefined && value !== '') return value
  throw invalid(key === undefined ? 'the name of a cache is empty' : `"${whole}" needs ${key}=`)
}

function modeOf(mode: string | undefined): { readonly mode?: 'min' | 'max' } {
  if (mode === undefined) return {}
  if (mode === 'min' || mode === 'max') return { mode }
  throw invalid(`mode "${mode}" is neither min nor max`)
}

function ignoreError(fields: ReadonlyMap<string, string | undefined>): { readonly ignoreError?: boolean } {
  if (!fields.has('ignore-error')) return {}
  return { ignoreError: parseBoolean(fields.get('ignore-error') ?? 'true') }
}
