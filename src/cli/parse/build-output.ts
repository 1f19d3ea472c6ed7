import { resolve } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { BuildOutput } from '../../index.js'
import { csvFields } from './csv.js'
import { invalid, parseBoolean } from './value.js'

/** What `--output` says: the output, and what of it is said of the image instead. */
export interface OutputRequest {
  /** A `dest=-` is the target `-`. */
  readonly output: BuildOutput
  readonly rewriteTimestamp?: boolean
  readonly format?: 'oci' | 'docker'
  readonly annotations?: Readonly<Record<string, string>>
}

type Fields = ReadonlyMap<string, string | undefined>

/** `FOLDER`, `-` (a tar archive on stdout), or `type=local|tar|oci|docker|image|registry,dest=…,name=…`. */
export function parseOutput(text: string): OutputRequest {
  if (text === '') throw invalid('an output has no name')
  if (text === '-') return { output: { type: 'tar', target: '-' } }
  if (!text.includes('=')) return { output: { type: 'local', path: resolve(text) } }
  const fields: Fields = new Map(csvFields(text))
  const type = fields.get('type') ?? ''
  const known = knownFields.get(type)
  if (known === undefined) throw invalid(`type "${type}" of an output is none of ${[...knownFields.keys()].join(', ')}`)
  for (const key of fields.keys()) {
    if (![...known, ...common].includes(key) && !annotationKey.test(key))
      throw invalid(`"${key}" is not known for an output of type ${type}`)
  }
  refuseCompression(fields)
  return { output: outputOf(type, fields, text), ...imageSettings(fields) }
}

/** Of the image; those of an index are none of ours. */
const annotationKey = /^annotation(?:-manifest)?(?:\[[^\]]*\])?\.(.+)$/
const common = ['type', 'rewrite-timestamp', 'oci-mediatypes', 'compression', 'compression-level', 'force-compression']
const knownFields: ReadonlyMap<string, readonly string[]> = new Map([
  ['local', ['dest', 'platform-split', 'attestation-prefix']],
  ['tar', ['dest', 'platform-split', 'attestation-prefix']],
  ['oci', ['dest', 'name', 'tar']],
  ['docker', ['dest', 'name', 'tar', 'context']],
  ['image', ['name', 'push', 'unpack', 'store']],
  ['registry', ['name']],
])

function outputOf(type: string, fields: Fields, whole: string): BuildOutput {
  const files = {
    ...optional('platformSplit', flag(fields, 'platform-split')),
    ...optional('attestationPrefix', prefix(fields)),
  }
  const dest = fields.get('dest')
  switch (type) {
    case 'local':
      if (dest === '-') throw invalid('a folder cannot go to the standard output: use type=tar')
      return { type, path: resolve(needed(dest, whole)), ...files }
    case 'tar':
      return { type, target: target(needed(dest, whole)), ...files }
    case 'oci':
    case 'docker':
      return archiveOutput(type, fields, whole)
    case 'image':
      return { type, names: names(fields), push: flag(fields, 'push') ?? false }
    default:
      return { type: 'registry', names: names(fields) }
  }
}

/** Without a place, `docker` is the store: what Docker's daemon is to BuildKit. */
function archiveOutput(type: 'oci' | 'docker', fields: Fields, whole: string): BuildOutput {
  const dest = fields.get('dest')
  if (type === 'docker' && dest === undefined) return { type: 'image', names: names(fields), push: false }
  const tar = flag(fields, 'tar')
  if (tar === false && dest === '-') throw invalid('a folder cannot go to the standard output: leave out tar=false')
  const [name] = names(fields)
  return { type, target: target(needed(dest, whole)), ...optional('tar', tar), ...optional('name', name) }
}

/** Of files, which stay in the folder of the result. */
function prefix(fields: Fields): string | undefined {
  const text = fields.get('attestation-prefix')
  if (text?.includes('/') === true) throw invalid(`attestation-prefix=${text} has a slash`)
  return text
}

function target(dest: string): string {
  return dest === '-' ? dest : resolve(dest)
}

function needed(dest: string | undefined, whole: string): string {
  if (dest === undefined || dest === '') throw invalid(`"${whole}" needs dest=`)
  return dest
}

/** Several stand in quotes, with commas between them. */
function names(fields: Fields): string[] {
  return (fields.get('name') ?? '').split(',').filter((name) => name !== '')
}

function flag(fields: Fields, key: string): boolean | undefined {
  return fields.has(key) ? parseBoolean(fields.get(key) ?? 'true') : undefined
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V })
}

/** Layers are stored as they are made, and pushed by gzip. */
function refuseCompression(fields: Fields): void {
  const compression = fields.get('compression')
  if (compression !== undefined && compression !== 'gzip')
    throw new TspodError(
      'not-supported',
      `compression=${compression} is not supported in an output: push it with tspod push`,
    )
}

function imageSettings(fields: Fields): Omit<OutputRequest, 'output'> {
  const annotations = [...fields].flatMap(([key, value]): [string, string][] => {
    const match = annotationKey.exec(key)
    return match === null ? [] : [[match[1] ?? '', value ?? '']]
  })
  const oci = flag(fields, 'oci-mediatypes')
  return {
    ...optional('rewriteTimestamp', flag(fields, 'rewrite-timestamp')),
    ...optional('format', oci === undefined ? undefined : oci ? 'oci' : 'docker'),
    ...optional('annotations', annotations.length === 0 ? undefined : Object.fromEntries(annotations)),
  }
}
