import type { Digest, Platform } from '../oci/image-spec.js'

/** What is known of a build when it is over. */
export interface BuildFacts {
  /** `max` tells the parameters and the Dockerfile, too. */
  readonly mode: 'min' | 'max'
  readonly version: ProvenanceVersion
  readonly builderId?: string
  /** Who builds says that the same input gives the same result. */
  readonly reproducible?: boolean
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

/** Of SLSA's provenance. */
export type ProvenanceVersion = 'v0.2' | 'v1'

export function provenanceType(version: ProvenanceVersion): string {
  return `https://slsa.dev/provenance/${version}`
}

/** SLSA's provenance, as BuildKit fills it in (buildkit, docs/attestations/slsa-definitions.md). */
export function provenancePredicate(facts: BuildFacts): Readonly<Record<string, unknown>> {
  return facts.version === 'v1' ? predicate1(facts) : predicate02(facts)
}

function predicate1(facts: BuildFacts): Readonly<Record<string, unknown>> {
  const { dockerfile, contextUrl, builderPlatform } = facts
  return {
    buildDefinition: {
      buildType: 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md',
      externalParameters: {
        configSource: { ...(contextUrl === undefined ? {} : { uri: contextUrl }), path: dockerfile.path },
        request: requestOf(facts),
      },
      internalParameters: { builderPlatform: platformText(builderPlatform) },
      resolvedDependencies: materialsOf(facts),
    },
    runDetails: {
      builder: { id: facts.builderId ?? '', version: { tspod: facts.builderVersion } },
      metadata: {
        invocationId: facts.invocationId,
        startedOn: facts.started.toISOString(),
        finishedOn: facts.finished.toISOString(),
        buildkit_metadata: metadataOf(facts),
        buildkit_completeness: { request: isComplete(facts), resolvedDependencies: contextUrl !== undefined },
        ...(facts.reproducible === true ? { buildkit_reproducible: true } : {}),
      },
    },
  }
}

/** https://slsa.dev/spec/v0.2/provenance: the same facts under other names. */
function predicate02(facts: BuildFacts): Readonly<Record<string, unknown>> {
  const { dockerfile, contextUrl, builderPlatform } = facts
  return {
    builder: { id: facts.builderId ?? '' },
    buildType: 'https://mobyproject.org/buildkit@v1',
    materials: materialsOf(facts),
    invocation: {
      configSource: { ...(contextUrl === undefined ? {} : { uri: contextUrl }), entryPoint: dockerfile.path },
      parameters: requestOf(facts),
      environment: { platform: platformText(builderPlatform) },
    },
    metadata: {
      buildInvocationID: facts.invocationId,
      buildStartedOn: facts.started.toISOString(),
      buildFinishedOn: facts.finished.toISOString(),
      completeness: { parameters: isComplete(facts), environment: true, materials: contextUrl !== undefined },
      reproducible: facts.reproducible === true,
      'https://mobyproject.org/buildkit@v1#metadata': metadataOf(facts),
    },
  }
}

function isComplete({ mode }: BuildFacts): boolean {
  return mode === 'max'
}

function materialsOf({ materials }: BuildFacts): readonly unknown[] {
  return materials.map(({ uri, digest }) => ({
    uri,
    ...(digest === undefined ? {} : { digest: digestSet(digest) }),
  }))
}

/** BuildKit's own: the Dockerfile, if all is to be told. */
function metadataOf({ mode, dockerfile }: BuildFacts): Readonly<Record<string, unknown>> {
  if (mode === 'min') return {}
  const data = Buffer.from(dockerfile.text).toString('base64')
  return { source: { infos: [{ filename: dockerfile.path, language: 'Dockerfile', data }] } }
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
