import { TspodError } from '../../base/errors.js'
import type { BuildOptions, BuildOutput } from '../../index.js'
import type { OutputRequest } from '../parse/build-output.js'
import { invalid } from '../parse/value.js'
import type { BuildFlags } from './request.js'

type Part<K extends keyof BuildOptions> = { readonly [P in K]?: BuildOptions[P] | undefined }
type Writer = (chunk: Uint8Array) => Promise<void>

/** What is attested: of each kind the last that was said. */
export function attestationsOf(flags: BuildFlags): Part<'provenance' | 'sbom'> {
  const said = [...(flags.attest ?? []), flags.provenance, flags.sbom]
  const wanted: { provenance?: BuildOptions['provenance']; sbom?: BuildOptions['sbom'] } = {}
  for (const attestation of said) {
    if (attestation?.type === 'provenance')
      wanted.provenance = attestation.value === 'off' ? undefined : attestation.value
    if (attestation?.type === 'sbom') wanted.sbom = attestation.value === 'off' ? undefined : attestation.value
  }
  return wanted
}

/** Where the result goes, and what the outputs say of the image beside the flags. */
export function outputsOf(
  flags: BuildFlags,
  writer: () => Writer,
): Part<'outputs' | 'rewriteTimestamp' | 'annotations' | 'format'> {
  const requests = flags.output ?? []
  const outputs = requests.map(({ output }) => output)
  if (outputs.filter((output) => 'target' in output && output.target === '-').length > 1)
    throw invalid('only one output can go to the standard output')
  const all = [...outputs.map((output) => redirected(output, writer)), ...pushed(flags)]
  const annotations = { ...Object.assign({}, ...requests.map(annotationsOf)), ...annotationFlags(flags) }
  const format = flags.format ?? requests.find((request) => request.format !== undefined)?.format
  return {
    outputs: all.length === 0 ? undefined : all,
    rewriteTimestamp: flags['rewrite-timestamp'] || requests.some((request) => request.rewriteTimestamp) || undefined,
    annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
    ...(format === undefined ? {} : { format: format as 'oci' }),
  }
}

function redirected(output: BuildOutput, writer: () => Writer): BuildOutput {
  return 'target' in output && output.target === '-' ? { ...output, target: writer() } : output
}

/** `--push`: the names are the tags. */
function pushed(flags: BuildFlags): BuildOutput[] {
  if (!flags.push) return []
  if (flags.tag === undefined) throw new TspodError('usage', '--push needs a name: --tag')
  return [{ type: 'registry', names: [] }]
}

function annotationsOf(request: OutputRequest): Readonly<Record<string, string>> {
  return request.annotations ?? {}
}

/** BuildKit says before the key what is annotated; images are. */
function annotationFlags(flags: BuildFlags): Readonly<Record<string, string>> {
  const pairs = (flags.annotation ?? []).map(([key, value]): [string, string] => {
    const [, level, rest] = /^([a-z,-]+)(?:\[[^\]]*\])?:(.+)$/.exec(key) ?? []
    if (level === undefined || rest === undefined) return [key, value]
    if (level === 'manifest') return [rest, value]
    throw new TspodError('not-supported', `annotations of "${level}" are not supported: only those of manifests`)
  })
  return Object.fromEntries(pairs)
}
