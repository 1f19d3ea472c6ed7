import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { TspodError } from '../../base/errors.js'
import type { NamedStatement, Statement } from '../../build/attestation.js'
import { giveToContainersRoot } from '../../../rootless/root-caller.js'
import type { ContainerSpec } from '../../container/spec.js'
import { runContainer } from '../containers/handle.js'
import { accessOf } from './base-image.js'
import type { SbomOptions } from './options.js'
import type { ReportedStep } from './report.js'
import type { Session } from './session.js'

/** BuildKit's own, where no other is named. */
const usualScanner = 'docker.io/docker/buildkit-syft-scanner:stable-1'
const [source, destination] = ['/run/src/core/sbom', '/run/out']
const suffix = '.spdx.json'
const mostDocuments = 100
const largestDocument = 64 << 20

/**
 * Has a scanner image look at the files in a folder, by BuildKit's protocol (buildkit, docs/attestations/sbom-protocol.md):
 * what it is to look at and where its documents go is in its environment.
 */
export async function scanFiles(
  session: Session,
  { scanner = usualScanner, args = {} }: SbomOptions,
  folder: string,
  step: ReportedStep,
): Promise<NamedStatement[]> {
  const { context, options, workspace, signal } = session
  const out = join(workspace.place().aside, 'out')
  mkdirSync(out, { mode: 0o755 })
  giveToContainersRoot(out)
  const { network, pull } = options
  const { authfile, tlsVerify } = accessOf(options)
  const spec: ContainerSpec = {
    image: scanner,
    remove: true,
    mounts: [
      { type: 'bind', source: folder, target: source, options: ['ro'] },
      { type: 'bind', source: out, target: destination, options: ['rw'] },
    ],
    env: { ...args, BUILDKIT_SCAN_SOURCE: source, BUILDKIT_SCAN_DESTINATION: destination },
    ...(network === undefined ? {} : { network }),
    ...(pull === undefined ? {} : { pull }),
    ...(authfile === undefined ? {} : { authfile }),
    ...(tlsVerify === undefined ? {} : { tlsVerify }),
  }
  const container = await runContainer(context, spec, { signal })
  container.stdout.on('data', (bytes: Buffer) => step.output('stdout', bytes))
  container.stderr.on('data', (bytes: Buffer) => step.output('stderr', bytes))
  const status = await container.wait()
  signal.throwIfAborted()
  if (status !== 0) throw new TspodError('build-failed', `the scanner ${scanner} failed with status ${String(status)}`)
  return documentsIn(out, scanner)
}

function documentsIn(folder: string, scanner: string): NamedStatement[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(suffix))
  if (names.length === 0) throw new TspodError('build-failed', `the scanner ${scanner} wrote no document *${suffix}`)
  if (names.length > mostDocuments)
    throw new TspodError('limit-exceeded', `the scanner ${scanner} wrote more than ${String(mostDocuments)} documents`)
  return names.sort().map((name) => {
    const statement = parseStatement(readOwn(join(folder, name)))
    if (statement === undefined)
      throw new TspodError(
        'build-failed',
        `what the scanner ${scanner} wrote as ${JSON.stringify(name)} is no statement`,
      )
    return { ...statement, fileName: name }
  })
}

/** A file that the scanner has written: a link of its making would lead to what is ours. */
function readOwn(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const status = fstatSync(fd)
    if (!status.isFile() || status.size > largestDocument) return ''
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** An in-toto statement, whose subject is ours to say. */
function parseStatement(text: string): Statement | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('predicateType' in value) || !('predicate' in value))
    return undefined
  const { predicateType, predicate } = value
  return typeof predicateType === 'string' ? { predicateType, predicate } : undefined
}
