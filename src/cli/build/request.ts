import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Interfaces } from '@oclif/core'
import { TspodError } from '../../base/errors.js'
import type { BuildBytes, BuildOptions, BuildVolume, DockerfileText, NetworkSpec, PullPolicy } from '../../index.js'
import { resourcesOf } from '../container-spec.js'
import type { buildFlags } from '../flags/build.js'
import { parseDuration } from '../images/numbers.js'
import { registryAccess } from '../images/registry-flags.js'
import { devicesOf } from '../parse/device.js'
import { parseEnv, parseEnvFile } from '../parse/env.js'
import { parseNetworks } from '../parse/network.js'
import { parsePlatform } from '../parse/platform.js'
import { parseSecurityOptions } from '../parse/security-opt.js'
import { invalid, row } from '../parse/value.js'
import { attestationsOf, outputsOf } from './result-request.js'

export type BuildFlags = Interfaces.InferredFlags<typeof buildFlags>

/** The world that a build is asked for in. */
export interface BuildCaller {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether a flag was typed, whatever its value. */
  readonly given: (flag: string) => boolean
  /** The standard input: a context or a Dockerfile. */
  readonly input: {
    readonly bytes: () => BuildBytes
    readonly text: () => Promise<string | Uint8Array>
  }
  /** Takes an archive that goes to the standard output. */
  readonly output: () => (chunk: Uint8Array) => Promise<void>
}

type Part<K extends keyof BuildOptions> = { readonly [P in K]?: BuildOptions[P] | undefined }

/** Flags and the context to what the engine is asked for: the one place where that happens. */
export async function buildRequest(
  flags: BuildFlags,
  positionals: readonly string[],
  caller: BuildCaller,
): Promise<BuildOptions> {
  const request = {
    ...(await sourceOf(flags, positionals[0], caller)),
    ...parametersOf(flags, caller),
    ...imageOf(flags, caller),
    ...timesOf(flags, caller),
    ...attestationsOf(flags),
    ...outputsOf(flags, caller.output),
    ...cacheOf(flags, caller),
    ...stepsOf(flags, caller),
    ...registryAccess(flags, caller.given),
  } satisfies Part<keyof BuildOptions>
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined))
}

const on = (value: boolean | undefined): true | undefined => (value === true ? true : undefined)
const off = (value: boolean): false | undefined => (value ? undefined : false)
const absolute = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path))

function record(
  pairs: readonly (readonly [string, string])[] | undefined,
): Readonly<Record<string, string>> | undefined {
  return pairs === undefined || pairs.length === 0 ? undefined : Object.fromEntries(pairs)
}

async function sourceOf(flags: BuildFlags, context: string | undefined, caller: BuildCaller) {
  const names = flags.file ?? []
  const inputs = [context, ...names].filter((name) => name === '-').length
  if (inputs > 1)
    throw new TspodError('usage', 'the standard input cannot be read twice: --file - and - as the context')
  const files: (string | DockerfileText)[] = []
  for (const name of names) {
    if (name === '') throw invalid('the name of a Dockerfile is empty')
    files.push(name === '-' ? { name: '<stdin>', text: await caller.input.text() } : name)
  }
  return {
    context: context === '-' ? caller.input.bytes() : (context ?? folderOf(names)),
    files: files.length === 0 ? undefined : files,
    cppFlags: flags['cpp-flag'],
    ignoreFile: absolute(flags.ignorefile),
    contexts: record(flags['build-context']),
    target: flags.target,
    secrets: flags.secret,
    ssh: flags.ssh,
  } satisfies Part<keyof BuildOptions>
}

/** As Podman: without a context it is the first Dockerfile's folder, or the current one. */
function folderOf(files: readonly string[]): string {
  const local = files.find((file) => file !== '-' && !/^(?:https?|git):\/\//.test(file))
  return local === undefined ? '.' : dirname(resolve(local))
}

function parametersOf(flags: BuildFlags, { env }: BuildCaller) {
  const platforms = flags.platform?.flatMap((text) => parsePlatform(text, flags) ?? [])
  const single = flags.platform === undefined ? parsePlatform(undefined, flags) : undefined
  const args = [
    ...(flags['build-arg-file'] ?? []).flatMap((path) => parseEnvFile(readText(path), env, path)),
    ...(flags['build-arg'] ?? []).flatMap((text) => parseEnv(text, env)),
  ]
  return {
    buildArgs: record(args),
    platforms: platforms ?? (single === undefined ? undefined : [single]),
    pull: flags.pull === undefined ? undefined : (row(pullPolicies, flags.pull) ?? (flags.pull as PullPolicy)),
    skipUnusedStages: off(flags['skip-unused-stages']),
  } satisfies Part<keyof BuildOptions>
}

/** Podman's and BuildKit's `--pull` was a switch once. */
const pullPolicies: Readonly<Record<string, PullPolicy>> = { true: 'always', false: 'missing' }

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new TspodError('invalid-argument', `reading ${path}`, { cause: error })
  }
}

function imageOf(flags: BuildFlags, { env, given }: BuildCaller) {
  const format = flags.format ?? env['BUILDAH_FORMAT']
  if (format !== undefined && format !== '' && format !== 'oci' && format !== 'docker')
    throw invalid(`BUILDAH_FORMAT "${format}" is neither oci nor docker`)
  return {
    tags: flags.tag,
    labels: record(flags.label),
    env: record(flags.env?.flatMap((text) => parseEnv(text, env))),
    unsetEnv: flags.unsetenv,
    unsetLabels: flags.unsetlabel,
    identityLabel: given('identity-label') ? flags['identity-label'] : undefined,
    format: format === '' ? undefined : format,
    manifest: flags.manifest,
    squash: on(flags.squash),
    squashAll: on(flags['squash-all']),
    iidFile: absolute(flags.iidfile),
    metadataFile: absolute(flags['metadata-file']),
  } satisfies Part<keyof BuildOptions>
}

function timesOf(flags: BuildFlags, { env }: BuildCaller) {
  const { timestamp } = flags
  const typed = flags['source-date-epoch']
  if (timestamp !== undefined && typed !== undefined)
    throw invalid('--timestamp and --source-date-epoch cannot be used together')
  const inherited = timestamp === undefined ? env['SOURCE_DATE_EPOCH'] : undefined
  if (inherited !== undefined && inherited !== '' && !/^\d{1,12}$/.test(inherited))
    throw invalid(`SOURCE_DATE_EPOCH "${inherited}" is not a number of seconds`)
  return {
    timestamp,
    sourceDateEpoch: typed ?? (inherited === undefined || inherited === '' ? undefined : Number(inherited)),
  } satisfies Part<keyof BuildOptions>
}

function cacheOf(flags: BuildFlags, { env, given }: BuildCaller) {
  const layers = !given('layers') && isFalse(env['BUILDAH_LAYERS']) ? false : flags.layers
  return {
    noCache: on(flags['no-cache']),
    noCacheFilter: flags['no-cache-filter'],
    cacheFrom: flags['cache-from'],
    cacheTo: flags['cache-to'],
    cacheTtlSeconds: flags['cache-ttl'] === undefined ? undefined : parseDuration(flags['cache-ttl']),
    layers: off(layers),
    jobs: flags.jobs,
  } satisfies Part<keyof BuildOptions>
}

function isFalse(text: string | undefined): boolean {
  return text !== undefined && /^(?:0|f|false|no)$/i.test(text)
}

function stepsOf(flags: BuildFlags, caller: BuildCaller) {
  if (flags['no-hosts'] && flags['add-host'] !== undefined)
    throw invalid('--no-hosts and --add-host cannot be set together')
  const resources = resourcesOf(flags)
  return {
    network: networkOf(flags.network),
    addHost: flags['add-host']?.flat(),
    noHosts: on(flags['no-hosts']),
    noHostname: on(flags['no-hostname']),
    dns: flags.dns,
    dnsSearch: flags['dns-search'],
    dnsOption: flags['dns-option'],
    volumes: flags.volume?.map(bindOf),
    ...devicesOf(flags.device),
    capAdd: flags['cap-add'],
    capDrop: flags['cap-drop'],
    security: flags['security-opt'] === undefined ? undefined : parseSecurityOptions(flags['security-opt']),
    ulimits: flags.ulimit,
    shmSize: flags['shm-size'],
    resources: Object.keys(resources).length === 0 ? undefined : resources,
    cgroupParent: flags['cgroup-parent'],
    entitlements: flags.allow as BuildOptions['entitlements'],
    httpProxy: caller.given('http-proxy') ? flags['http-proxy'] : undefined,
    isolation: (flags.isolation ?? undefined) as BuildOptions['isolation'],
    hooksDir: flags['hooks-dir']?.map((path) => resolve(path)),
  } satisfies Part<keyof BuildOptions>
}

function networkOf(text: string | undefined): NetworkSpec | undefined {
  const network = text === undefined ? undefined : parseNetworks([text])
  if (network?.mode === 'container') throw invalid('a step cannot join the network of a container')
  return network
}

function bindOf(mount: NonNullable<BuildFlags['volume']>[number]): BuildVolume {
  if (mount.type === 'bind') return { source: mount.source, target: mount.target, options: mount.options }
  throw invalid(`the volume on "${mount.target}" is no folder of the host: /PATH:/PATH`)
}
