import { hostname } from 'node:os'
import { proxyEnvironment } from '../../build/dockerfile/index.js'
import { completeSpec } from '../../container/complete.js'
import type { ContainerRecord } from '../../container/record.js'
import type { ContainerSpec, DeviceSpec, NetworkSpec } from '../../container/spec.js'
import { validateSpec } from '../../container/validate.js'
import type { Session } from './session.js'

/** What a RUN step does, with nothing left to expand. */
export interface RunCommand {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Absolute. */
  readonly workdir: string
  readonly user: string
  readonly network: 'default' | 'none' | 'host'
  /** `--security=insecure` */
  readonly insecure: boolean
  readonly devices: readonly DeviceSpec[]
  readonly groups?: readonly string[]
  readonly hooks?: ContainerSpec['hooks']
  /** Of the image that the step works on. */
  readonly architecture: string
}

/** The container of a step, as `run` would have it: what was asked for of the build holds for all of its steps. */
export async function runRecord(
  { context, options, driver, report }: Session,
  command: RunCommand,
  { tty = false }: { readonly tty?: boolean } = {},
): Promise<ContainerRecord> {
  const id = context.newId()
  const complete = completeSpec(stepSpec(context.env, options, command, tty), {
    id,
    image: { id: '', name: '', digest: '', layers: [], architecture: command.architecture },
    imageConfig: {},
    conf: await context.conf(),
    env: context.env,
    hostHostname: hostname(),
    caller: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
  })
  /* WORKDIR is the image's own. */
  const spec = { ...complete, workdirGiven: false }
  for (const warning of validateSpec(spec)) report.warning(warning)
  return {
    version: 1,
    id,
    name: 'build',
    created: context.clock().toISOString(),
    spec,
    anonymousVolumes: [],
    storageDriver: driver.name,
    ephemeral: true,
  }
}

function stepSpec(
  env: Session['context']['env'],
  options: Session['options'],
  command: RunCommand,
  tty: boolean,
): ContainerSpec {
  const network = networkOf(options.network, command.network)
  const capAdd = command.insecure ? ['ALL'] : options.capAdd
  return {
    entrypoint: [],
    command: command.argv,
    ...picked(options, ['httpProxy']),
    /* Proxies reach the command, the caller's as in `run`, but no key and no image knows them. */
    env: {
      ...proxyEnvironment(options.buildArgs ?? {}),
      ...(tty ? { TERM: env['TERM'] ?? 'xterm' } : {}),
      ...command.env,
    },
    unsetEnv: ['container'],
    workdir: command.workdir,
    user: command.user,
    /* One name for all steps: what writes it down writes the same each time. */
    hostname: 'build',
    interactive: tty,
    tty,
    lifetime: 'process',
    sdnotify: 'ignore',
    log: { driver: 'none' },
    healthcheck: 'none',
    init: false,
    ...(network === undefined ? {} : { network }),
    ...(capAdd === undefined ? {} : { capAdd }),
    ...(command.insecure ? { privileged: true } : {}),
    devices: [...(options.devices ?? []), ...command.devices],
    ...(command.groups === undefined ? {} : { groupAdd: command.groups }),
    ...(command.hooks === undefined ? {} : { hooks: command.hooks }),
    ...picked(options, [
      'capDrop',
      'security',
      'ulimits',
      'shmSize',
      'resources',
      'cgroupParent',
      'hooksDir',
      'umask',
      'addHost',
      'noHosts',
      'noHostname',
    ]),
    ...(network?.mode === 'none' ? {} : picked(options, ['dns', 'dnsSearch', 'dnsOption'])),
  }
}

function networkOf(build: NetworkSpec | undefined, step: RunCommand['network']): NetworkSpec | undefined {
  return step === 'default' ? build : { mode: step }
}

/** Those members that are there. */
function picked<T, K extends keyof T>(value: T, names: readonly K[]): { [P in K]?: Exclude<T[P], undefined> } {
  return Object.fromEntries(
    names.flatMap((name) => (value[name] === undefined ? [] : [[name, value[name]] as const])),
  ) as { [P in K]?: Exclude<T[P], undefined> }
}
