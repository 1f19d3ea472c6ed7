import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../src/base/digest.js'
import { attestationManifest } from '../../../src/build/attestation.js'
import { imageUrl, provenancePredicate, type BuildFacts } from '../../../src/build/provenance.js'
import type { Digest, ImageManifest } from '../../../src/oci/image-spec.js'

const digest: Digest = `sha256:${'a'.repeat(64)}`
const linux = { os: 'linux', architecture: 'arm', variant: 'v7' }

describe('an attestation', () => {
  test('is a manifest of statements that names its image', async () => {
    const { blobs, descriptor } = await attestationManifest(
      digest,
      ['pkg:docker/a@1'],
      [{ predicateType: 'https://spdx.dev/Document', predicate: { a: 1 } }],
    )
    for (const { bytes, digest: named } of blobs) expect(await digestOf(bytes)).toBe(named)
    const [statement, config, manifest] = blobs.map(({ bytes }) => JSON.parse(bytes.toString()) as unknown)
    expect(descriptor).toEqual({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: blobs[2]?.digest,
      size: blobs[2]?.bytes.length,
      platform: { architecture: 'unknown', os: 'unknown' },
      annotations: { 'vnd.docker.reference.digest': digest, 'vnd.docker.reference.type': 'attestation-manifest' },
    })
    expect((manifest as ImageManifest).layers).toEqual([
      {
        mediaType: 'application/vnd.in-toto+json',
        digest: blobs[0]?.digest,
        size: blobs[0]?.bytes.length,
        annotations: { 'in-toto.io/predicate-type': 'https://spdx.dev/Document' },
      },
    ])
    expect(config).toMatchObject({ rootfs: { diff_ids: [blobs[0]?.digest] } })
    expect(statement).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://spdx.dev/Document',
      subject: [{ name: 'pkg:docker/a@1', digest: { sha256: 'a'.repeat(64) } }],
      predicate: { a: 1 },
    })
  })
})

test.each<[Parameters<typeof imageUrl>, string]>([
  [['alpine', '3.20', { os: 'linux', architecture: 'amd64' }], 'pkg:docker/alpine@3.20?platform=linux%2Famd64'],
  [['host:5000/a/b', undefined, linux], 'pkg:docker/host%3A5000/a/b?platform=linux%2Farm%2Fv7'],
  [['a', '1', linux, digest], `pkg:docker/a@1?digest=${digest}&platform=linux%2Farm%2Fv7`],
])('an image has the URL of a package', (args, url) => {
  expect(imageUrl(...args)).toBe(url)
})

describe('provenance', () => {
  const facts: BuildFacts = {
    mode: 'min',
    version: 'v1',
    dockerfile: { path: 'Dockerfile', text: 'FROM a\n' },
    buildArgs: { A: 'value of an argument' },
    labels: { l: '1' },
    target: 't',
    secrets: ['token'],
    ssh: ['default'],
    materials: [{ uri: 'pkg:docker/a', digest }],
    builderPlatform: linux,
    builderVersion: '1',
    invocationId: 'id',
    started: new Date(0),
    finished: new Date(1000),
  }

  const source = { filename: 'Dockerfile', language: 'Dockerfile', data: Buffer.from('FROM a\n').toString('base64') }

  test('of mode min tells what it was made of, and when', () => {
    expect(provenancePredicate(facts)).toMatchObject({
      buildDefinition: {
        externalParameters: { configSource: { path: 'Dockerfile' }, request: { frontend: 'dockerfile.v0' } },
        resolvedDependencies: [{ uri: 'pkg:docker/a', digest: { sha256: 'a'.repeat(64) } }],
      },
      runDetails: { metadata: { startedOn: '1970-01-01T00:00:00.000Z', finishedOn: '1970-01-01T00:00:01.000Z' } },
    })
    expect(JSON.stringify(provenancePredicate(facts))).not.toMatch(/value of an argument|token|RlJP/)
  })

  test('of mode max tells parameters and the Dockerfile, of secrets only that they were there', () => {
    expect(provenancePredicate({ ...facts, mode: 'max' })).toMatchObject({
      buildDefinition: {
        externalParameters: {
          request: {
            args: { target: 't', 'build-arg:A': 'value of an argument', 'label:l': '1' },
            locals: [{ name: 'context' }, { name: 'dockerfile' }],
            secrets: [{ id: 'token', optional: true }],
            ssh: [{ id: 'default', optional: true }],
          },
        },
      },
      runDetails: { metadata: { buildkit_metadata: { source: { infos: [source] } } } },
    })
  })

  test('of version 0.2 says the same under its own names', () => {
    const more = { mode: 'max', version: 'v0.2', builderId: 'https://b', reproducible: true } as const
    expect(provenancePredicate({ ...facts, ...more })).toEqual({
      builder: { id: 'https://b' },
      buildType: 'https://mobyproject.org/buildkit@v1',
      materials: [{ uri: 'pkg:docker/a', digest: { sha256: 'a'.repeat(64) } }],
      invocation: {
        configSource: { entryPoint: 'Dockerfile' },
        parameters: expect.objectContaining({ frontend: 'dockerfile.v0' }) as unknown,
        environment: { platform: 'linux/arm/v7' },
      },
      metadata: {
        buildInvocationID: 'id',
        buildStartedOn: '1970-01-01T00:00:00.000Z',
        buildFinishedOn: '1970-01-01T00:00:01.000Z',
        completeness: { parameters: true, environment: true, materials: false },
        reproducible: true,
        'https://mobyproject.org/buildkit@v1#metadata': { source: { infos: [source] } },
      },
    })
    expect(JSON.stringify(provenancePredicate({ ...facts, version: 'v0.2' }))).not.toMatch(/value of an|token|RlJP/)
  })

  test('of a context by URL names it', () => {
    expect(provenancePredicate({ ...facts, contextUrl: 'https://h/r.git#main' })).toMatchObject({
      buildDefinition: { externalParameters: { configSource: { uri: 'https://h/r.git#main', path: 'Dockerfile' } } },
    })
  })
})
