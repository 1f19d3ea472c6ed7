import type { Digest, Platform } from '../oci/image-spec.js'

/** What is known of a build when it is over. */
export interface BuildFacts {
  /** `max` tells the parameters and the Dockerfile, too. */
  readonly mode: 'min' | 'max'
  readonly dockerfile: { readonly path: string; readonly text: string }
  /** The context's URL; undefined where it is of this machine, which is nobody's business. */
  readonly contextUrl?: string
  readonly target?: string
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** By ID: what they hold is never told. */
  readonly secrets: readonly string[]
  readonly ssh: readonly string[]
  /** What it was made of. */
  readonly materials: readonly Material[]
  readonly builderPlatform: Platform
  readonly builderVersion: string
  readonly invocationId: string
  readonly started: Date
  readonly finished: Date
}

export interface Material {
  /** `pkg:docker/…` of an image, or a URL. */
  readonly uri: string
  readonly digest?: Digest
}

export const provenanceType = 'https://slsa.dev/provenance/v1'

/** SLSA's provenance, version 1, as BuildKit fills it in (buildkit, docs/attestations/slsa-definitions.md). */
export function provenancePredicate(facts: BuildFacts): Readonly<Record<string, unknown>> {
  const { dockerfile, contextUrl, materials, builderPlatform, mode } = facts
  return {
    buildDefinition: {
      buildType: 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md',
      externalParameters: {
        configSource: { ...(contextUrl === undefined ? {} : { uri: contextUrl }), path: dockerfile.path },
        request: requestOf(facts),
      },
      internalParameters: {
        builderPlatform: platformText(builderPlatform),
        ...(mode === 'min' ? {} : { dockerfile: Buffer.from(dockerfile.text).toString('base64') }),
      },
      resolvedDependencies: materials.map(({ uri, digest }) => ({
        uri,
        ...(digest === undefined ? {} : { digest: digestSet(digest) }),
      })),
    },
    runDetails: {
      builder: { id: '', version: { tspod: facts.builderVersion } },
      metadata: {
        invocationId: facts.invocationId,
        startedOn: facts.started.toISOString(),
        finishedOn: facts.finished.toISOString(),
        buildkit_completeness: { request: mode === 'max', resolvedDependencies: contextUrl !== undefined },
        buildkit_reproducible: false,
      },
    },
  }
}

function requestOf(facts: BuildFacts): Readonly<Record<string, unknown>> {
  const { contextUrl, secrets, ssh, target, mode } = facts
  const frontend = 'dockerfile.v0'
  if (mode === 'min') return { frontend }
  return {
    frontend,
    args: {
      ...(target === undefined ? {} : { target }),
      ...prefixed('build-arg:', facts.buildArgs),
      ...prefixed('label:', facts.labels),
    },
    ...(contextUrl === undefined ? { locals: [{ name: 'context' }, { name: 'dockerfile' }] } : {}),
    ...(secrets.length === 0 ? {} : { secrets: secrets.map((id) => ({ id, optional: true })) }),
    ...(ssh.length === 0 ? {} : { ssh: ssh.map((id) => ({ id, optional: true })) }),
  }
}

function prefixed(prefix: string, values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}${key}`, value]))
}

/** A `pkg:docker` URL of an image (package-url, type docker): `name` without tag and digest. */
export function imageUrl(name: string, tag: string | undefined, platform: Platform, digest?: Digest): string {
  const version = tag === undefined ? '' : `@${encodeURIComponent(tag)}`
  const qualifiers = [
    ...(digest === undefined ? [] : [`digest=${digest}`]),
    `platform=${encodeURIComponent(platformText(platform))}`,
  ]
  return `pkg:docker/${name.split('/').map(encodeURIComponent).join('/')}${version}?${qualifiers.join('&')}`
}

export function digestSet(digest: Digest): Readonly<Record<string, string>> {
  const colon = digest.indexOf(':')
  return { [digest.slice(0, colon)]: digest.slice(colon + 1) }
}

function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}
