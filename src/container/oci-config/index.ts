import type { Process, RuntimeConfig } from '../../oci/runtime-spec.js'
import type { CompleteSpec } from '../complete-spec.js'
import { linuxDevices } from './devices.js'
import { mounts, notifyTarget, type ResolvedMount } from './mounts.js'
import { namespaces, type NamespacePaths } from './namespaces.js'
import { processSection, type HostLimits } from './process.js'
import { resources } from './resources.js'
import { maskedPaths, readonlyPaths } from './security.js'

/** What a configuration depends on besides the spec: decided by the engine for this one start. */
export interface OciInput {
  readonly id: string
  readonly spec: CompleteSpec
  readonly name: string
  /** Where the runtime mounts the root file system. */
  readonly rootPath: string
  /** Volumes, images and tmpfs's of the user, in the order asked for. */
  readonly mounts: readonly ResolvedMount[]
  /** Files of ours that stand in for the image's: target ─► source. */
  readonly files: Readonly<Record<string, string>>
  /** The folder of `notify.sock`, where the container itself says that it is ready (`--sdnotify container`). */
  readonly notifyFolder?: string
  /** Joined namespaces, as /proc/PID/ns/…  */
  readonly joined: NamespacePaths
  /** /proc/PID/root/dev/shm of the container whose IPC namespace is joined. */
  readonly joinedShm?: string
  /** How many ids the container has, counted from 0: a group beyond can't own a terminal. */
  readonly mappedGids: number
  /** /sys/fs/cgroup is the one hierarchy of version 2. */
  readonly cgroup2: boolean
  readonly hostLimits: HostLimits
  readonly hooks?: RuntimeConfig['hooks']
}

/** The OCI runtime configuration of one start of a container. */
export function ociConfig(input: OciInput): RuntimeConfig {
  const { spec } = input
  const sysctl = Object.keys(spec.sysctl).length > 0 ? { sysctl: spec.sysctl } : {}
  return {
    ociVersion: '1.2.0',
    process: withNotify(input, withInit(spec, processSection(spec, input.hostLimits))),
    root: { path: input.rootPath, readonly: spec.readOnly },
    ...(spec.hostname !== '' && spec.namespaces.uts.mode === 'private' ? { hostname: spec.hostname } : {}),
    mounts: mounts(input),
    ...(input.hooks ? { hooks: input.hooks } : {}),
    annotations: annotations(input),
    linux: {
      namespaces: namespaces(spec, input.joined),
      devices: linuxDevices(spec),
      resources: resources(spec),
      ...sysctl,
      ...(spec.personality === undefined ? {} : { personality: { domain: spec.personality } }),
      rootfsPropagation: 'rprivate',
      maskedPaths: maskedPaths(spec),
      readonlyPaths: readonlyPaths(spec),
    },
  }
}

/** Where the host's program of `--init-path` is seen. The runtime's own init needs none. */
export const initTarget = '/run/tspod-init'

function withInit({ init, initPath }: CompleteSpec, process: Process): Process {
  return init && initPath !== undefined ? { ...process, args: [initTarget, '--', ...process.args] } : process
}

function withNotify({ notifyFolder }: OciInput, process: Process): Process {
  if (notifyFolder === undefined) return process
  const others = process.env.filter((text) => !text.startsWith('NOTIFY_SOCKET='))
  return { ...process, env: [...others, `NOTIFY_SOCKET=${notifyTarget}/notify.sock`] }
}

function annotations({ id, name, spec }: OciInput): Record<string, string> {
  return {
    'org.opencontainers.image.stopSignal': String(spec.stopSignal),
    'io.container.manager': 'tspod',
    'io.tspod.id': id,
    'io.tspod.name': name,
    ...spec.annotations,
  }
}
