import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { formatPlatform } from '../../image/platform.js'
import type { Platform } from '../../oci/image-spec.js'
import { tarRoot, type TarOptions } from '../../storage/root-archive.js'
import { localName } from '../images/local-name.js'
import { accessOf } from './base-image.js'
import type { BuildOptions, BuildOutput, OutputTarget } from './options.js'
import type { Produced, Product } from './produce.js'
import { withSource, type Files } from './root.js'
import type { Session } from './session.js'
import type { StatementNames } from './statement-files.js'
import { writeFolder } from './write-folder.js'

/** Whether the result is to be an image of the store: it is, unless all of it goes elsewhere. */
export function wantsImage({ outputs = [], manifest }: BuildOptions): boolean {
  return (
    outputs.length === 0 ||
    manifest !== undefined ||
    outputs.some(({ type }) => type === 'image' || type === 'registry')
  )
}

/** Whether there has to be an image at all. */
export function needsImage(options: BuildOptions): boolean {
  return wantsImage(options) || (options.outputs ?? []).some(({ type }) => type === 'oci' || type === 'docker')
}

/** Whether there is anything to be said of the result. */
export function wantsAttestations({ provenance, sbom }: BuildOptions): boolean {
  return provenance !== undefined || sbom !== undefined
}

/** The names that outputs give the image, beside the tags. */
export function namesOfOutputs({ outputs = [] }: BuildOptions): string[] {
  return outputs.flatMap((output) =>
    output.type === 'image' || output.type === 'registry' ? output.names.map(localName) : [],
  )
}

/** The files of the result as a folder or an archive. */
export async function writeFiles(produced: Produced, output: BuildOutput): Promise<void> {
  const { session, products } = produced
  const [first] = products
  if (first === undefined) return
  if (output.type === 'local') {
    const split = output.platformSplit ?? products.length > 1
    const names = { prefix: output.attestationPrefix, withPlatform: products.length > 1 && !split }
    for (const product of products) {
      const folder = split ? join(output.path, folderName(product.platform)) : output.path
      const root = await withStatements(produced, product, names)
      await session.report.step(`exporting to ${folder}`, () => writeFolder(produced, root, folder))
    }
  } else if (output.type === 'tar') {
    if (products.length > 1)
      throw new TspodError('not-supported', 'an output of type tar has the files of one platform: use type=local')
    const root = await withStatements(produced, first, { prefix: output.attestationPrefix, withPlatform: false })
    await session.report.step('exporting to a tar archive', () => writeTar(session, root, output.target))
  }
}

async function withStatements(produced: Produced, product: Product, names: StatementNames): Promise<Files> {
  const { root } = product.stage
  if (!wantsAttestations(produced.session.options)) return root
  const { statementLayer } = await import('./statement-files.js')
  const layer = await statementLayer(produced, product, names)
  return layer === undefined ? root : { layers: [...root.layers, layer] }
}

async function writeTar(session: Session, files: Files, target: OutputTarget): Promise<void> {
  const { plan, times, options } = session
  const output: TarOptions['output'] =
    typeof target === 'string'
      ? target
      : async (chunks) => {
          for await (const chunk of chunks) await target(chunk as Uint8Array)
        }
  await withSource(session, files, (root) => tarRoot(root, { plan, ...times, signal: options.signal, output }))
}

/** The image as an archive or a folder, or to its registry. `name` finds it in the store. */
export async function sendImage(
  { context, options, report }: Session,
  output: BuildOutput,
  name: string,
  tags: readonly string[],
): Promise<void> {
  switch (output.type) {
    case 'oci':
    case 'docker': {
      const { writeImages } = await import('../images/save.js')
      const format = `${output.type}-${output.tar === false ? 'dir' : 'archive'}` as const
      const named = output.name === undefined ? tags : [localName(output.name)]
      await report.step(`exporting to ${format}`, () =>
        writeImages(context, { names: [name], tags: named, format, output: output.target, ...signalOf(options) }),
      )
      return
    }
    case 'image':
    case 'registry': {
      if (output.type === 'image' && !output.push) return
      const { pushImage } = await import('../images/push.js')
      const targets = output.names.length > 0 ? output.names.map(localName) : tags
      if (targets.length === 0) throw new TspodError('usage', 'an image that is pushed needs a name: --tag')
      for (const target of targets)
        await report.step(`pushing ${target}`, () =>
          pushImage(context, name, target, { ...accessOf(options), ...signalOf(options) }),
        )
      return
    }
    default:
      return
  }
}

function signalOf({ signal }: BuildOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}

function folderName(platform: Platform): string {
  return formatPlatform(platform).replaceAll('/', '_')
}
