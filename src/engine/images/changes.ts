import { TspodError } from '../../base/errors.js'
import type { ImageRunConfig } from '../../oci/image-spec.js'

type Mutable = { -readonly [K in keyof ImageRunConfig]: ImageRunConfig[K] }

/** `--change`: Containerfile instructions applied to a configuration, `CMD=…` or `CMD …`. */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  const result: Mutable = { ...config }
  const names = changes.map((change) => applyChange(result, change))
  /* An entrypoint is given the words that were meant for another one only if they were said, too. */
  if (names.includes('ENTRYPOINT') && !names.includes('CMD')) delete result.Cmd
  return result
}

type Instruction = (config: Mutable, value: string, change: string) => void

const instructions: Readonly<Record<string, Instruction>> = {
  CMD: (config, value) => {
    config.Cmd = command(value)
  },
  ENTRYPOINT: (config, value) => {
    config.Entrypoint = command(value)
  },
  ENV: (config, value, change) => {
    config.Env = withEnv(config.Env ?? [], pairs(value, change))
  },
  LABEL: (config, value, change) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(pairs(value, change)) }
  },
  EXPOSE: (config, value, change) => {
    const ports = value.split(/\s+/).map((port) => [portOf(port, change), {}] as const)
    config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports) }
  },
  VOLUME: (config, value) => {
    config.Volumes = { ...config.Volumes, ...Object.fromEntries(list(value).map((path) => [path, {}])) }
  },
  USER: (config, value) => {
    config.User = value
  },
  WORKDIR: (config, value) => {
    config.WorkingDir = value.startsWith('/') ? value : `${(config.WorkingDir ?? '').replace(/\/$/, '')}/${value}`
  },
  STOPSIGNAL: (config, value) => {
    config.StopSignal = value
  },
  ONBUILD: (config, value) => {
    config.OnBuild = [...(config.OnBuild ?? []), value]
  },
}

/** Answers the instruction's name. */
function applyChange(config: Mutable, change: string): string {
  const match = /^\s*([A-Za-z]+)(?:\s+|\s*=\s*)(.*)$/s.exec(change)
  const value = match?.[2]?.trim()
  const name = match?.[1]?.toUpperCase() ?? ''
  const apply = instructions[name]
  if (apply === undefined || value === undefined || value === '') throw invalid(change)
  apply(config, value, change)
  return name
}

/** A JSON list as it is; anything else for the shell. */
function command(value: string): readonly string[] {
  const parsed = jsonList(value)
  return parsed ?? ['/bin/sh', '-c', value]
}

function list(value: string): readonly string[] {
  return jsonList(value) ?? value.split(/\s+/)
}

function jsonList(value: string): readonly string[] | undefined {
  if (!value.startsWith('[')) return undefined
  try {
    const parsed: unknown = JSON.parse(value)
    return Array.isArray(parsed) && parsed.every((one) => typeof one === 'string') ? parsed : undefined
  } catch {
    return undefined /* As Docker: what is no JSON list is a line for the shell. */
  }
}

/** `A=b C="d e"`, or the old `A rest of the line`. */
function pairs(value: string, change: string): readonly (readonly [string, string])[] {
  if (!/^\s*[^\s=]+=/.test(value)) {
    const old = /^(\S+)\s+(.+)$/s.exec(value)
    if (old?.[1] === undefined || old[2] === undefined) throw invalid(change)
    return [[old[1], old[2]]]
  }
  const words = /([^\s=]+)=((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])*)\s*/gy
  const found: (readonly [string, string])[] = []
  let end = 0
  for (const match of value.matchAll(words)) {
    found.push([match[1] ?? '', unquote(match[2] ?? '')])
    end = match.index + match[0].length
  }
  /* `--change "ENV A=b c"`: Podman takes the rest of the line along where no further pair begins. */
  const rest = value.slice(end)
  const last = found.at(-1)
  if (rest !== '' && last !== undefined) found[found.length - 1] = [last[0], `${last[1]} ${rest}`]
  return found
}

function unquote(text: string): string {
  return text.replace(
    /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g,
    (_, double?: string, single?: string, escaped?: string) => {
      return double === undefined ? (single ?? escaped ?? '') : double.replace(/\\(["\\$])/g, '$1')
    },
  )
}

function withEnv(env: readonly string[], added: readonly (readonly [string, string])[]): readonly string[] {
  const names = new Set(added.map(([name]) => name))
  return [
    ...env.filter((one) => !names.has(one.split('=', 1)[0] ?? '')),
    ...added.map(([name, value]) => `${name}=${value}`),
  ]
}

function portOf(port: string, change: string): string {
  if (!/^\d+(?:-\d+)?(?:\/(?:tcp|udp|sctp))?$/.test(port)) throw invalid(change)
  return port.includes('/') ? port : `${port}/tcp`
}

function invalid(change: string): TspodError {
  return new TspodError('invalid-argument', `invalid change ${JSON.stringify(change)} - must be formatted as KEY VALUE`)
}
