import type { ProvenanceOptions, SbomOptions } from '../../index.js'
import { csvFields } from './csv.js'
import { invalid, parseBoolean } from './value.js'

/** What is to be attested; `off` takes back what was said before. */
export type Attestation =
  | { readonly type: 'provenance'; readonly value: ProvenanceOptions | 'off' }
  | { readonly type: 'sbom'; readonly value: SbomOptions | 'off' }

type Fields = readonly (readonly [string, string | undefined])[]

/** `--attest type=sbom,…` or `type=provenance,…` */
export function parseAttestation(text: string): Attestation {
  const fields = csvFields(text)
  const type = fields.find(([key]) => key === 'type')?.[1]
  const rest = fields.filter(([key]) => key !== 'type')
  if (type === 'sbom') return sbomOf(rest, text)
  if (type === 'provenance') return provenanceOf(rest)
  throw invalid(`"${text}" needs type=sbom or type=provenance`)
}

/** `--sbom true`, `false`, an image, or `generator=IMAGE,NAME=VALUE`. */
export function parseSbom(text: string): Attestation {
  if (isBoolean(text)) return { type: 'sbom', value: parseBoolean(text) ? {} : 'off' }
  if (!text.includes('=') && text !== '') return { type: 'sbom', value: { scanner: text } }
  return sbomOf(csvFields(text), text)
}

/** `--provenance true`, `false`, `mode=min` or `mode=max`. */
export function parseProvenance(text: string): Attestation {
  if (isBoolean(text)) return { type: 'provenance', value: parseBoolean(text) ? { mode: 'min' } : 'off' }
  if (text === 'min' || text === 'max') return { type: 'provenance', value: { mode: text } }
  return provenanceOf(csvFields(text))
}

function isBoolean(text: string): boolean {
  return /^(?:1|0|t|f|true|false)$/i.test(text)
}

function sbomOf(fields: Fields, whole: string): Attestation {
  const disabled = disabledIn(fields)
  if (disabled) return { type: 'sbom', value: 'off' }
  const scanner = fields.find(([key]) => key === 'generator')?.[1]
  const args = fields.filter(([key]) => key !== 'generator' && key !== 'disabled')
  if (scanner === '') throw invalid(`"${whole}" names no image after generator=`)
  return {
    type: 'sbom',
    value: {
      ...(scanner === undefined ? {} : { scanner }),
      ...(args.length === 0 ? {} : { args: Object.fromEntries(args.map(([key, value]) => [key, value ?? ''])) }),
    },
  }
}

function provenanceOf(fields: Fields): Attestation {
  if (disabledIn(fields)) return { type: 'provenance', value: 'off' }
  let provenance: ProvenanceOptions = { mode: 'min' }
  for (const [key, value = ''] of fields) {
    if (key === 'disabled') continue
    const setting = settings[key]?.(value)
    if (setting === undefined) throw invalid(`"${key}${value === '' ? '' : `=${value}`}" is not known`)
    provenance = { ...provenance, ...setting }
  }
  return { type: 'provenance', value: provenance }
}

/** BuildKit's (docs/attestations/slsa-provenance.md); undefined: no such value. */
const settings: Readonly<Record<string, (value: string) => Partial<ProvenanceOptions> | undefined>> = {
  mode: (value) => (value === 'min' || value === 'max' ? { mode: value } : undefined),
  version: (value) => (value === 'v0.2' || value === 'v1' ? { version: value } : undefined),
  'builder-id': (value) => ({ builderId: value }),
  filename: (value) => (/^[^/]+$/.test(value) && !/^\.{1,2}$/.test(value) ? { fileName: value } : undefined),
  reproducible: (value) => ({ reproducible: parseBoolean(value) }),
  'inline-only': (value) => ({ inlineOnly: parseBoolean(value) }),
}

function disabledIn(fields: Fields): boolean {
  const disabled = fields.find(([key]) => key === 'disabled')
  return disabled !== undefined && parseBoolean(disabled[1] ?? 'true')
}
