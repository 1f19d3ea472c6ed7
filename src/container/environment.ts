import type { ContainersTable } from '../config/containers-conf.js'
import type { ImageRunConfig } from '../oci/image-spec.js'
import type { ContainerSpec } from './spec.js'

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const proxyVariables = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy']

/** The container's variables as `KEY=VALUE`: defaults, containers.conf, the image, proxies unless that is off, the spec. */
export function completeEnvironment(
  spec: ContainerSpec,
  image: ImageRunConfig,
  table: ContainersTable,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const variables = new Map<string, string>([['PATH', defaultPath]])
  if (spec.tty === true) variables.set('TERM', 'xterm')
  variables.set('container', 'tspod')
  if (table.env_host === true) addHost(variables, env)
  addAll(variables, table.env ?? [])
  addAll(variables, image.Env ?? [])
  if (spec.httpProxy ?? table.http_proxy ?? true) addProxies(variables, env)
  if (spec.unsetEnvAll === true) variables.clear()
  for (const name of spec.unsetEnv ?? []) variables.delete(name)
  for (const [name, value] of Object.entries(spec.env ?? {})) variables.set(name, value)
  return [...variables].map(([name, value]) => `${name}=${value}`)
}

/** A name without a value would mean the host's (CVE-2026-57231): it is dropped. */
function addAll(variables: Map<string, string>, texts: readonly string[]): void {
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at > 0 && !text.includes('\0')) variables.set(text.slice(0, at), text.slice(at + 1))
  }
}

function addHost(variables: Map<string, string>, env: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(env)) if (value !== undefined) variables.set(name, value)
}

function addProxies(variables: Map<string, string>, env: Readonly<Record<string, string | undefined>>): void {
  for (const lower of proxyVariables) {
    for (const name of [lower, lower.toUpperCase()]) {
      const value = env[name]
      if (value !== undefined) variables.set(name, value)
    }
  }
}
