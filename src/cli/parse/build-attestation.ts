import type { BuildOptions, SbomOptions } from '../../index.js'
import { csvFields } from './csv.js'
import { invalid, parseBoolean } from './value.js'

/** What is to be attested; `off` takes back what was said before. */
export type Attestation =
  | { readonly type: 'provenance'; readonly value: NonNullable<BuildOptions['provenance']> | 'off' }
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
  if (isBoolean(text)) return { type: 'provenance', value: parseBoolean(text) ? 'min' : 'off' }
  if (text === 'min' || text === 'max') return { type: 'provenance', value: text }
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
  let mode: 'min' | 'max' = 'min'
  for (const [key, value] of fields) {
    if (key === 'disabled') continue
    if (key === 'mode' && (value === 'min' || value === 'max')) mode = value
    else if (!indifferent.includes(key)) throw invalid(`"${key}${value === undefined ? '' : `=${value}`}" is not known`)
  }
  return { type: 'provenance', value: mode }
}

/** BuildKit's settings of what is written anyway. */
const indifferent = ['reproducible', 'inline-only', 'version', 'builder-id']

function disabledIn(fields: Fields): boolean {
  const disabled = fields.find(([key]) => key === 'disabled')
  return disabled !== undefined && parseBoolean(disabled[1] ?? 'true')
}
