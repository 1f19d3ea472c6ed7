import { TspodError } from '../base/errors.js'
import type { EngineOptions, LogLevel } from '../index.js'
import { scan, type FlagShape } from './pflag.js'
import { nearest } from './nearest.js'

type Env = Readonly<Record<string, string | undefined>>

/** The options that stand before the command (and may stand among its own, where it has none of that name). */
export const globalFlags = {
  root: { type: 'option', env: 'TSPOD_ROOT', summary: 'Folder of images, containers and volumes' },
  runroot: { type: 'option', env: 'TSPOD_RUNROOT', summary: 'Folder of what a reboot may forget' },
  'log-level': { type: 'option', env: 'TSPOD_LOG_LEVEL', summary: 'trace, debug, info, warn or error' },
  runtime: { type: 'option', env: 'TSPOD_RUNTIME', summary: 'Another OCI runtime, by name or path' },
  'cgroup-manager': { type: 'option', env: 'TSPOD_CGROUP_MANAGER', summary: 'systemd, cgroupfs or disabled' },
  'storage-driver': { type: 'option', env: 'TSPOD_STORAGE_DRIVER', summary: 'overlay, fuse-overlayfs or copy' },
  module: { type: 'option', env: undefined, summary: 'Another containers.conf over the others' },
} as const satisfies Record<string, FlagShape & { env: string | undefined; summary: string }>

export type GlobalName = keyof typeof globalFlags
/** One value of each, the last; every one of `--module`. */
export type GlobalValues = Partial<Record<Exclude<GlobalName, 'module'>, string>> & { module?: readonly string[] }

export function setGlobal(values: GlobalValues, name: GlobalName, value: string): void {
  if (name === 'module') values.module = [...(values.module ?? []), value]
  else values[name] = value
}

const ownFlags = {
  help: { type: 'boolean', char: 'h' },
  version: { type: 'boolean', char: 'v' },
} as const satisfies Record<string, FlagShape>

export interface GlobalOptions {
  readonly options: GlobalValues
  /** From the command on. */
  readonly rest: readonly string[]
  readonly help: boolean
  readonly version: boolean
}

/** Takes what stands before the command; the environment gives what the command line does not. */
export function takeGlobalOptions(argv: readonly string[], env: Env): GlobalOptions {
  const { occurrences, positionals } = scan(argv, { ...globalFlags, ...ownFlags }, { fenced: true })
  const options: GlobalValues = {}
  for (const [name, { env: variable }] of Object.entries(globalFlags)) {
    const value = variable === undefined ? undefined : env[variable]
    if (value !== undefined && value !== '') setGlobal(options, name as GlobalName, value)
  }
  let help = false
  let version = false
  for (const { name, value } of occurrences) {
    if (name === 'help') help = value === 'true'
    else if (name === 'version') version = value === 'true'
    else setGlobal(options, name as GlobalName, value)
  }
  return { options, rest: positionals, help, version }
}

const choices = {
  'log-level': ['trace', 'debug', 'info', 'warn', 'error'],
  'cgroup-manager': ['systemd', 'cgroupfs', 'disabled'],
  'storage-driver': ['overlay', 'fuse-overlayfs', 'copy'],
} as const

/** Strings to what the engine takes; a wrong one is named with its choices. */
export function engineOptions(values: GlobalValues): EngineOptions {
  const logLevel = values['log-level'] === 'warning' ? 'warn' : values['log-level']
  const storage = values['storage-driver'] === 'vfs' ? 'copy' : values['storage-driver']
  const level = oneOf('log-level', logLevel, choices['log-level'])
  const manager = oneOf('cgroup-manager', values['cgroup-manager'], choices['cgroup-manager'])
  const driver = oneOf('storage-driver', storage, choices['storage-driver'])
  return {
    ...(values.root === undefined ? {} : { root: values.root }),
    ...(values.runroot === undefined ? {} : { runroot: values.runroot }),
    ...(values.runtime === undefined ? {} : { runtime: values.runtime }),
    ...(level === undefined ? {} : { logLevel: level satisfies LogLevel }),
    ...(manager === undefined ? {} : { cgroupManager: manager }),
    ...(driver === undefined ? {} : { storageDriver: driver }),
    ...(values.module === undefined ? {} : { modules: values.module }),
  }
}

function oneOf<T extends string>(flag: string, value: string | undefined, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  const found = allowed.find((candidate) => candidate === value)
  if (found !== undefined) return found
  const guess = nearest(value, allowed)
  const hint = guess === undefined ? `choose one of ${allowed.join(', ')}` : `did you mean ${guess}?`
  throw new TspodError('usage', `invalid argument "${value}" for "--${flag}" flag: ${hint}`)
}
