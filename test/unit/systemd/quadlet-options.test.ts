import { describe, expect, test } from 'vitest'
import Build from '../../../commands/build.js'
import Pull from '../../../commands/pull.js'
import Run from '../../../commands/run.js'
import VolumeCreate from '../../../commands/volume/create.js'
import type { FlagManifest } from '../../../src/cli/manifest.js'
import { kinds } from '../../../src/systemd/quadlet/convert.js'
import { commonKeys } from '../../../src/systemd/quadlet/options.js'

type Declared = { readonly flags?: Readonly<Record<string, FlagManifest>>; readonly baseFlags?: object }

function namesOf({ flags, baseFlags }: Declared): Set<string> {
  const all = Object.entries({ ...baseFlags, ...flags } as Readonly<Record<string, FlagManifest>>)
  return new Set(all.flatMap(([name, { aliases = [] }]) => [name, ...aliases]).map((name) => `--${name}`))
}

describe('every key is an option that there is', () => {
  test.each([
    ['container', Run],
    ['volume', VolumeCreate],
    ['image', Pull],
    ['build', Build],
  ] as const)('of a .%s', (kind, Command) => {
    const names = namesOf(Command)
    const flags = kinds[kind].rows.map(({ flag }) => flag.replace(/=.*/, ''))
    expect(flags.filter((flag) => !names.has(flag))).toEqual([])
  })
})

describe('the keys of podman-systemd.unit(5)', () => {
  const common = 'ContainersConfModule GlobalArgs PodmanArgs ServiceName'
  test.each([
    [
      'container',
      `AddCapability AddDevice AddHost Annotation AppArmor AutoUpdate CgroupsMode ContainerName DNS DNSOption
      DNSSearch DropCapability Entrypoint Environment EnvironmentFile EnvironmentHost Exec ExposeHostPort
      GIDMap Group GroupAdd HealthCmd HealthInterval HealthLogDestination HealthMaxLogCount HealthMaxLogSize
      HealthOnFailure HealthRetries HealthStartPeriod HealthStartupCmd HealthStartupInterval
      HealthStartupRetries HealthStartupSuccess HealthStartupTimeout HealthTimeout HostName HttpProxy IP IP6
      Image Label LogDriver LogOpt Mask Memory Mount Network NetworkAlias NoNewPrivileges Notify PidsLimit Pod
      PublishPort Pull ReadOnly ReadOnlyTmpfs ReloadCmd ReloadSignal RemapGid RemapUid RemapUidSize RemapUsers
      Retry RetryDelay Rootfs RunInit SeccompProfile Secret SecurityLabelDisable SecurityLabelFileType
      SecurityLabelLevel SecurityLabelNested SecurityLabelType ShmSize StartWithPod StopSignal StopTimeout
      SubGIDMap SubUIDMap Sysctl Timezone Tmpfs UIDMap Ulimit Unmask User UserNS VolatileTmp Volume WorkingDir`,
    ],
    ['volume', `Copy Device Driver GID Group Image Label Options Type UID User VolumeName`],
    [
      'network',
      `DNS DisableDNS Driver Gateway IPAMDriver IPRange IPv6 InterfaceName Internal Label NetworkDeleteOnStop
      NetworkName Options Subnet`,
    ],
    [
      'pod',
      `AddHost DNS DNSOption DNSSearch ExitPolicy GIDMap HostName IP IP6 Label Network NetworkAlias PodName
      PublishPort RemapGid RemapUid RemapUidSize RemapUsers ShmSize StopTimeout SubGIDMap SubUIDMap UIDMap
      UserNS Volume`,
    ],
    [
      'kube',
      `AutoUpdate ConfigMap ExitCodePropagation KubeDownForce LogDriver LogOpt Network PublishPort RemapGid
      RemapUid RemapUidSize RemapUsers SetWorkingDirectory UserNS Yaml`,
    ],
    [
      'image',
      `AllTags Arch AuthFile CertDir Creds DecryptionKey Image ImageTag OS Policy Retry RetryDelay TLSVerify
      Variant`,
    ],
    [
      'build',
      `Annotation Arch AuthFile BuildArg DNS DNSOption DNSSearch Environment File ForceRM GroupAdd IgnoreFile
      ImageTag Label Network Pull Retry RetryDelay Secret SetWorkingDirectory TLSVerify Target Variant Volume`,
    ],
  ] as const)('in a .%s', (kind, words) => {
    const { rows, keys } = kinds[kind]
    const known = [...rows.map(({ key }) => key), ...keys, ...commonKeys]
    expect(known.toSorted()).toEqual(`${words} ${common}`.split(/\s+/).toSorted())
  })
})
