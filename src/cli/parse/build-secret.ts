import { basename, resolve } from 'node:path'
import type { BuildSecret, BuildSsh } from '../../index.js'
import { csvFields } from './csv.js'
import { invalid } from './value.js'

/** `id=ID,src=FILE`, `id=ID,env=NAME`, `type=env,id=ID`; an ID alone is the variable of that name, or the file. */
export function parseSecret(text: string): BuildSecret {
  const fields = knownFields(text)
  const type = fields.get('type')
  const file = fields.get('src') ?? fields.get('source')
  const variable = fields.get('env')
  if (variable !== undefined && (type === 'file' || file !== undefined))
    throw invalid(`"${text}" names a file and a variable`)
  const named = variable ?? file
  const id = fields.get('id') ?? (named === undefined ? '' : basename(named))
  if (id === '') throw invalid(`"${text}" needs id=`)
  if (type === 'env' || variable !== undefined) return { id, source: { type: 'env', name: named ?? id } }
  if (named === undefined && type === undefined && process.env[id] !== undefined)
    return { id, source: { type: 'env', name: id } }
  return { id, source: { type: 'file', path: secretPath(named ?? id) } }
}

function knownFields(text: string): ReadonlyMap<string, string | undefined> {
  const fields = new Map(csvFields(text))
  for (const key of fields.keys())
    if (!['id', 'src', 'source', 'env', 'type'].includes(key)) throw invalid(`"${key}" is not known for a secret`)
  const type = fields.get('type')
  if (type === undefined || type === 'file' || type === 'env') return fields
  throw invalid(`type "${type}" of a secret is neither file nor env`)
}

function secretPath(path: string): string {
  if (path === '') throw invalid('the file of a secret has no name')
  return resolve(path)
}

/** `default`, `ID=SOCKET`, `ID=KEY[,KEY]`. */
export function parseSsh(text: string): BuildSsh {
  const equals = text.indexOf('=')
  const id = equals < 0 ? text : text.slice(0, equals)
  if (id === '') throw invalid(`"${text}" has no name before the "="`)
  const paths = equals < 0 ? [] : text.slice(equals + 1).split(',')
  if (paths.includes('')) throw invalid(`"${text}" has a path without a name`)
  return { id, paths: paths.map((path) => resolve(path)) }
}
