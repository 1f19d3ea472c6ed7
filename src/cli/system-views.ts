import type { HostCheck, SystemInfo, VersionReport } from '../index.js'
import { withGoNames } from './output/go-names.js'

/** `info`'s values for a template: Podman's names, and those of Docker's that scripts ask for. */
export function infoTemplateData(info: SystemInfo): object {
  const { host, store } = info
  const named = withGoNames(info) as Readonly<Record<string, object>>
  return {
    ...named,
    Host: { ...named['Host'], CgroupVersion: host.cgroupVersion },
    ID: host.hostname,
    Name: host.hostname,
    ServerVersion: info.version.version,
    Containers: store.containerStore.number,
    ContainersRunning: store.containerStore.running,
    ContainersPaused: store.containerStore.paused,
    ContainersStopped: store.containerStore.stopped,
    Images: store.imageStore.number,
    Driver: store.graphDriverName,
    LoggingDriver: host.logDriver,
    CgroupDriver: host.cgroupManager,
    CgroupVersion: host.cgroupVersion.slice(1),
    KernelVersion: host.kernel,
    OperatingSystem: `${host.distribution.distribution} ${host.distribution.version}`,
    OSType: host.os,
    Architecture: host.arch,
    NCPU: host.cpus,
    MemTotal: host.memTotal,
    DockerRootDir: store.graphRoot,
    SecurityOptions: [...(host.security.seccompEnabled ? ['name=seccomp,profile=default'] : []), 'name=rootless'],
  }
}

export interface VersionView {
  readonly Client: ComponentVersion
  /** There is no server; scripts ask Docker's for its version to see that it works. */
  readonly Server: ComponentVersion
}

export interface ComponentVersion {
  readonly Name: string
  readonly Version: string
  readonly APIVersion: string
  readonly ApiVersion: string
  readonly NodeVersion: string
  readonly RuntimeSpec: string
  readonly Os: string
  readonly Arch: string
  readonly OsArch: string
}

export function versionView(report: VersionReport): VersionView {
  const [os = '', arch = ''] = report.osArch.split('/')
  const component: ComponentVersion = {
    Name: 'tspod',
    Version: report.version,
    APIVersion: report.version,
    ApiVersion: report.version,
    NodeVersion: report.nodeVersion,
    RuntimeSpec: report.runtimeSpec,
    Os: os,
    Arch: arch,
    OsArch: report.osArch,
  }
  return { Client: component, Server: component }
}

export function versionText(version: ComponentVersion): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Client', version.Name],
    ['Version', version.Version],
    ['Node Version', version.NodeVersion],
    ['OCI Runtime Spec', version.RuntimeSpec],
    ['OS/Arch', version.OsArch],
  ]
  return rows.map(([name, value]) => `${`${name}:`.padEnd(18)}${value}\n`).join('')
}

const marks: Readonly<Record<HostCheck['state'], string>> = {
  ok: 'ok',
  limited: 'limited',
  absent: 'absent',
  missing: 'MISSING',
}

/** A line for each check, and below it what to type. */
export function checksText(checks: readonly HostCheck[]): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length)) + 2
  const lines = checks.flatMap(({ name, state, found, remedy }) => [
    `${marks[state].padEnd(9)}${name.padEnd(width)}${found}`,
    ...(state === 'ok' ? [] : remedy.map((line) => `${' '.repeat(9 + width)}  ${line}`)),
  ])
  return lines.map((line) => `${line}\n`).join('')
}
