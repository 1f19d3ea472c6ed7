import { digestOf } from '../base/digest.js'
import { mediaTypes, type Descriptor, type Digest, type ImageManifest } from '../oci/image-spec.js'
import { digestSet } from './provenance.js'

/** in-toto's statement: something that is said of an image. */
export interface Statement {
  readonly predicateType: string
  readonly predicate: unknown
}

/** One that may also become a file of its own, beside the files that it is about. */
export interface NamedStatement extends Statement {
  readonly fileName: string
  /** Only said of images. */
  readonly inlineOnly?: boolean
}

export interface Subject {
  readonly name: string
  readonly digest: Readonly<Record<string, string>>
}

/** What in-toto calls a statement: what is said, and of what. */
export function wholeStatement({ predicateType, predicate }: Statement, subject: readonly Subject[]): unknown {
  return { _type: 'https://in-toto.io/Statement/v1', predicateType, subject, predicate }
}

export interface AttestationBlob {
  readonly bytes: Buffer
  readonly digest: Digest
}

/** What is to be stored, and how an index names it. */
export interface Attestation {
  /** The manifest last. */
  readonly blobs: readonly AttestationBlob[]
  readonly descriptor: Descriptor
}

const statementMediaType = 'application/vnd.in-toto+json'

/**
 * Statements about one image as a manifest that stands in an index beside it, in the form that BuildKit gives them
 * (buildkit, docs/attestations/attestation-storage.md). `names` are how the image is called, as package URLs.
 */
export async function attestationManifest(
  image: Digest,
  names: readonly string[],
  statements: readonly Statement[],
): Promise<Attestation> {
  const subject = names.map((name) => ({ name, digest: digestSet(image) }))
  const layers = await Promise.all(
    statements.map(async (statement) => ({
      predicateType: statement.predicateType,
      blob: await jsonBlob(wholeStatement(statement, subject)),
    })),
  )
  const config = await jsonBlob({
    architecture: 'unknown',
    os: 'unknown',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ blob }) => blob.digest) },
  })
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: describe(config, mediaTypes.ociConfig),
    layers: layers.map(({ blob, predicateType }) => ({
      ...describe(blob, statementMediaType),
      annotations: { 'in-toto.io/predicate-type': predicateType },
    })),
  }
  const top = await jsonBlob(manifest)
  return {
    blobs: [...layers.map(({ blob }) => blob), config, top],
    descriptor: {
      ...describe(top, mediaTypes.ociManifest),
      platform: { architecture: 'unknown', os: 'unknown' },
      annotations: { 'vnd.docker.reference.digest': image, 'vnd.docker.reference.type': 'attestation-manifest' },
    },
  }
}

async function jsonBlob(value: unknown): Promise<AttestationBlob> {
  const bytes = Buffer.from(JSON.stringify(value))
  return { bytes, digest: await digestOf(bytes) }
}

function describe({ bytes, digest }: AttestationBlob, mediaType: string): Descriptor {
  return { mediaType, digest, size: bytes.length }
}
