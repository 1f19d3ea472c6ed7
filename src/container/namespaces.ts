import { TspodError } from '../base/errors.js'
import type { ContainersConf, ContainersTable } from '../config/containers-conf.js'
import type { ContainerSpec, NamespaceMode, NamespaceSpec, NetworkSpec, UserNamespaceMode } from './spec.js'

/** A mode for every namespace: the spec's, containers.conf's, or Podman's default. */
export function completeNamespaces(spec: ContainerSpec, table: ContainersTable): Required<NamespaceSpec> {
  const asked = spec.namespaces ?? {}
  return {
    pid: asked.pid ?? configured(table.pidns, 'private'),
    ipc: asked.ipc ?? configured(table.ipcns, 'shareable'),
    uts: asked.uts ?? configured(table.utsns, 'private'),
    cgroup: asked.cgroup ?? configured(table.cgroupns, 'private'),
    user: asked.user ?? configuredUser(table.userns),
  }
}

/** Where the network comes from; slirp4netns unless somebody said otherwise. */
export function completeNetwork(asked: NetworkSpec | undefined, conf: ContainersConf): NetworkSpec {
  if (asked !== undefined) return asked
  const named = conf.containers.netns
  if (named === 'host' || named === 'none') return { mode: named }
  if (named === 'pasta' || (named !== 'slirp4netns' && conf.network.default_rootless_network_cmd === 'pasta')) {
    return { mode: 'pasta', options: conf.network.pasta_options ?? [] }
  }
  return { mode: 'slirp4netns', options: optionsOf(conf.engine.network_cmd_options ?? []) }
}

function configured(name: string | undefined, fallback: 'private' | 'shareable'): NamespaceMode {
  switch (name) {
    case 'host':
    case 'private':
    case 'shareable':
    case 'none':
      return { mode: name }
    case undefined:
    case '':
      return { mode: fallback }
    default:
      throw new TspodError('config-invalid', `containers.conf: "${name}" is not a namespace mode`)
  }
}

function configuredUser(name: string | undefined): UserNamespaceMode {
  switch (name) {
    case 'keep-id':
    case 'nomap':
    case 'auto':
      return { mode: name }
    case undefined:
    case '':
    case 'host':
    case 'private':
      return { mode: 'host' }
    default:
      throw new TspodError('config-invalid', `containers.conf: "${name}" is not a user namespace mode`)
  }
}

function optionsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [key = text, ...value] = text.split('=')
      return [key, value.join('=')]
    }),
  )
}
