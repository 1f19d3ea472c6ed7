import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TspodError } from '../../base/errors.js'
import { digestAlgorithm, digestHex } from '../../base/digest.js'
import type { Digest } from '../../oci/image-spec.js'
import type { Reference } from '../reference.js'
import { readBody, type HttpClient } from '../registry/http.js'
import {
  formatSignatureFile,
  maximumSignatureSize,
  mostSignatures,
  parseSignatureFile,
  type Signature,
} from './signature.js'
import { requireModest } from './signature-set.js'

/** Reads the signatures of a manifest from a lookaside: `BASE/PATH@ALGORITHM=HEX/signature-N`, N from 1 to the first that is missing. */
export async function readLookaside(
  base: string,
  reference: Reference,
  digest: Digest,
  http: HttpClient,
  signal?: AbortSignal,
): Promise<readonly Signature[]> {
  const folder = lookasideFolder(base, reference, digest)
  const found: Signature[] = []
  let size = 0
  for (let number = 1; ; number++) {
    if (number > mostSignatures)
      throw new TspodError('limit-exceeded', `${folder.href} has more than ${String(mostSignatures)} signatures`)
    const url = new URL(`${folder.href}/signature-${String(number)}`)
    const bytes = await (url.protocol === 'file:'
      ? readSignature(fileURLToPath(url))
      : fetchSignature(url, http, signal))
    if (bytes === undefined) return found
    requireModest((size += bytes.length), folder.href)
    found.push(parseSignatureFile(bytes, url.href))
  }
}

/** Makes these the signatures of a manifest, in place of those that are there; only a folder can be written to. */
export async function writeLookaside(
  base: string,
  reference: Reference,
  digest: Digest,
  signatures: readonly Signature[],
): Promise<void> {
  const url = lookasideFolder(base, reference, digest)
  if (url.protocol !== 'file:')
    throw new TspodError(
      'not-supported',
      `signatures cannot be written to ${url.origin}: configure a lookaside-staging folder (file:///…) in registries.d`,
    )
  const folder = fileURLToPath(url)
  await makeFolder(folder)
  for (const [index, signature] of signatures.entries())
    await writeWhole(join(folder, `signature-${String(index + 1)}`), formatSignatureFile(signature))
  /* Readers stop at the first number that is missing. */
  for (let number = signatures.length + 1; number <= mostSignatures; number++)
    await rm(join(folder, `signature-${String(number)}`), { force: true })
}

/** Writes `signature-N` into a folder under the first free number; answers its path. */
export async function addSignatureFile(folder: string, signature: Signature): Promise<string> {
  await makeFolder(folder)
  const names = new Set(await readdir(folder))
  let number = 1
  while (names.has(`signature-${String(number)}`)) number++
  const path = join(folder, `signature-${String(number)}`)
  await writeWhole(path, formatSignatureFile(signature))
  return path
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 }).catch((cause: Error) => {
    throw new TspodError('io', `creating ${folder}: ${cause.message}`, { cause })
  })
}

/** A signature's file, bounded; undefined if there is none. */
export async function readSignature(path: string): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(path)
    if (size > maximumSignatureSize) throw new TspodError('limit-exceeded', `${path} is too large for a signature`)
    const file = await open(path, 'r')
    try {
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (error instanceof TspodError) throw error
    throw new TspodError('io', `reading the signature ${path}: ${message}`, { cause: error })
  }
}

/** `BASE/PATH@ALGORITHM=HEX`; the path is a reference's, which has neither dots nor escapes to go elsewhere by. */
function lookasideFolder(base: string, reference: Reference, digest: Digest): URL {
  let url: URL
  try {
    url = new URL(base)
  } catch (error) {
    throw new TspodError('config-invalid', `${base} in registries.d is no URL`, { cause: error })
  }
  if (!['file:', 'http:', 'https:'].includes(url.protocol))
    throw new TspodError('not-supported', `signatures cannot be read from ${url.protocol}`)
  const name = `${reference.path}@${digestAlgorithm(digest)}=${digestHex(digest)}`
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${name}`
  return url
}

async function fetchSignature(url: URL, http: HttpClient, signal?: AbortSignal): Promise<Buffer | undefined> {
  const response = await http.request({ method: 'GET', url, signal })
  if (response.status === 404) {
    response.discard()
    return undefined
  }
  if (response.status !== 200) {
    response.discard()
    throw new TspodError('registry-error', `reading the signature ${url.href}: status ${String(response.status)}`)
  }
  return readBody(response, maximumSignatureSize, 'a signature')
}

async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const partial = join(dirname(path), `.${String(process.pid)}.part`)
  try {
    await writeFile(partial, bytes, { mode: 0o644, flush: true })
    await rename(partial, path)
  } catch (cause) {
    await rm(partial, { force: true })
    throw new TspodError('io', `writing the signature ${path}: ${(cause as Error).message}`, { cause })
  }
}
