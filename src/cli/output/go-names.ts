/** `graphRoot` is `GraphRoot` in a template of Go's: the same values under the names that Podman's have. */
export function withGoNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withGoNames)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [goName(key), withGoNames(member)]))
}

const irregular: Readonly<Record<string, string>> = {
  cpus: 'CPUs',
  os: 'OS',
  osArch: 'OsArch',
  ociRuntime: 'OCIRuntime',
  idMappings: 'IDMappings',
  uidmap: 'UIDMap',
  gidmap: 'GIDMap',
  cgroupVersion: 'CgroupsVersion',
  container_id: 'ContainerID',
  host_id: 'HostID',
  seccompEnabled: 'SECCOMPEnabled',
  apparmorEnabled: 'AppArmorEnabled',
  selinuxEnabled: 'SELinuxEnabled',
}

function goName(key: string): string {
  return irregular[key] ?? `${key.charAt(0).toUpperCase()}${key.slice(1)}`
}
