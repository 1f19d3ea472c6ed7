import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { giveToContainersRoot } from '../../../rootless/root-caller.js'
import { wholeStatement, type NamedStatement, type Subject } from '../../build/attestation.js'
import { TspodError } from '../../base/errors.js'
import { listArchive } from '../../image/archive/list.js'
import { formatPlatform } from '../../image/platform.js'
import { tarRoot } from '../../storage/root-archive.js'
import { statementsOf } from './attest.js'
import type { StageLayer } from './layer.js'
import type { Produced, Product } from './produce.js'
import { withSource } from './root.js'

export interface StatementNames {
  /** `attestation-prefix=` of the output. */
  readonly prefix?: string | undefined
  /** The files of several platforms are in one folder. */
  readonly withPlatform: boolean
}

/**
 * What is said of a product as files in it, in BuildKit's form (buildkit, docs/attestations): a layer above its own; undefined
 * if there is nothing to say. A statement is about every file by its digest.
 */
export async function statementLayer(
  produced: Produced,
  product: Product,
  names: StatementNames,
): Promise<Pick<StageLayer, 'files'> | undefined> {
  const statements = (await statementsOf(produced, product)).filter(({ inlineOnly }) => inlineOnly !== true)
  if (statements.length === 0) return undefined
  const subjects = await subjectsOf(produced, product)
  const { diff } = produced.session.workspace.place()
  const written = new Set<string>()
  for (const statement of statements) {
    const name = fileName(statement, product, names)
    if (written.has(name)) throw new TspodError('invalid-argument', `two attestations would be called ${name}`)
    written.add(name)
    const path = join(diff, name)
    writeFileSync(path, JSON.stringify(wholeStatement(statement, subjects), undefined, 2), { mode: 0o600 })
    giveToContainersRoot(path)
  }
  return { files: () => Promise.resolve(diff) }
}

/** `provenance.json`; `provenance.linux_arm64.json` where it is not alone. */
function fileName({ fileName: own }: NamedStatement, { platform }: Product, names: StatementNames): string {
  const name = `${names.prefix ?? ''}${own}`
  if (!names.withPlatform) return name
  const dot = name.lastIndexOf('.')
  const [stem, extension] = dot === -1 ? [name, ''] : [name.slice(0, dot), name.slice(dot)]
  return `${stem}.${formatPlatform(platform).replaceAll('/', '_')}${extension}`
}

async function subjectsOf({ session }: Produced, { stage }: Product): Promise<Subject[]> {
  const { plan, options } = session
  const subjects: Subject[] = []
  await withSource(session, stage.root, (root) =>
    tarRoot(root, {
      plan,
      signal: options.signal,
      async output(chunks) {
        for (const [path, { type, content }] of await listArchive(chunks as AsyncIterable<Uint8Array>))
          if (type === '0' || type === '')
            subjects.push({ name: path.replace(/^(?:\.?\/)+/, ''), digest: { sha256: content } })
      },
    }),
  )
  return subjects
}
