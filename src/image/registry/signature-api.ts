import { randomBytes } from 'node:crypto'
import { TspodError } from '../../base/errors.js'
import type { Digest } from '../../oci/image-spec.js'
import { parseObject, requireObject } from '../manifest.js'
import { mostSignatures, type Signature, type SimpleSignature } from '../trust/signature.js'
import { maximumSetSize } from '../trust/signature-set.js'
import { readBody } from './http.js'
import { responseError, type Repository } from './repository.js'

/**
 * Signatures that a registry keeps itself: OpenShift's extension of the API, which a registry announces by the header
 * `X-Registry-Supports-Signatures` (containers/image, “signature-protocols”).
 */

/** Base64 takes a third more than what it says. */
const maximumListSize = 2 * maximumSetSize

export async function readExtension(
  repository: Repository,
  digest: Digest,
  signal?: AbortSignal,
): Promise<readonly Signature[]> {
  const response = await repository.send({ method: 'GET', path: pathOf(repository, digest), signal })
  if (response.status !== 200)
    throw await responseError(response, `reading the signatures of ${digest} in ${repository.name}`)
  const document = parseObject(await readBody(response, maximumListSize, 'a list of signatures'), 'list of signatures')
  const list = document['signatures'] ?? []
  if (!Array.isArray(list)) throw new TspodError('registry-error', `${repository.name} has no valid list of signatures`)
  if (list.length > mostSignatures)
    throw new TspodError('limit-exceeded', `${digest} has more than ${String(mostSignatures)} signatures`)
  return list.flatMap((one: unknown): Signature[] => {
    const { schemaVersion, type, content } = requireObject(one, 'a signature')
    if (schemaVersion !== 2 || type !== 'atomic' || typeof content !== 'string') return []
    return [{ kind: 'simple', bytes: Buffer.from(content, 'base64') }]
  })
}

/** Adds the signatures that the registry does not have yet. */
export async function writeExtension(
  repository: Repository,
  digest: Digest,
  signatures: readonly SimpleSignature[],
  signal?: AbortSignal,
): Promise<void> {
  const there = await readExtension(repository, digest, signal)
  for (const { bytes } of signatures) {
    if (there.some((one) => one.kind === 'simple' && one.bytes.equals(bytes))) continue
    const name = `${digest}@${randomBytes(16).toString('hex')}`
    const response = await repository.send({
      method: 'PUT',
      path: pathOf(repository, digest),
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ schemaVersion: 2, name, type: 'atomic', content: bytes.toString('base64') })),
      signal,
    })
    if (response.status !== 201)
      throw await responseError(response, `writing the signatures of ${digest} to ${repository.name}`)
    response.discard()
  }
}

function pathOf({ path }: Repository, digest: Digest): string {
  return `/extensions/v2/${path}/signatures/${digest}`
}
