import type { ImageRunConfig } from '../../oci/image-spec.js'
import type { Variables } from './variables.js'

/** Where no image says anything else. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
export const defaultShell: readonly string[] = ['/bin/sh', '-c']

/** What the instructions of a stage have made so far, files apart. It is never changed, only followed by another. */
export interface StageState {
  /** What the image will have as `config`. */
  readonly config: ImageRunConfig
  readonly author: string | undefined
  /** What `$name` means, and the environment of RUN: the image's, ENV's and ARG's, the last one counts. */
  readonly variables: Variables
  /** The ARGs so far in their order, those of the stages beneath included; undefined: without a value. */
  readonly args: ReadonlyMap<string, string | undefined>
  /** A CMD stood in this stage: ENTRYPOINT leaves it. */
  readonly commandIsSet: boolean
}

/** A stage begun, and the triggers that its base has for it: they are run before its own instructions. */
export interface StageStart {
  readonly state: StageState
  readonly triggers: readonly string[]
}

/** FROM an image, with its `config`; without one FROM scratch. */
export function startFromImage(config: ImageRunConfig = { WorkingDir: '/' }, author?: string): StageStart {
  const { OnBuild: triggers, ...rest } = config
  const env = environmentOf(rest.Env ?? [])
  if (!env.has('PATH')) env.set('PATH', defaultPath)
  return {
    state: {
      config: { ...rest, Env: environmentList(env) },
      author,
      variables: env,
      args: new Map(),
      commandIsSet: false,
    },
    triggers: triggers ?? [],
  }
}

/** FROM an earlier stage, as its last instruction left it. Its ARGs go on. */
export function startFromStage(state: StageState): StageStart {
  const { OnBuild: triggers, ...config } = state.config
  return { state: { ...state, config, commandIsSet: false }, triggers: triggers ?? [] }
}

/** `NAME=value` as a map; a name without a value is empty. */
export function environmentOf(list: readonly string[]): Map<string, string> {
  return new Map(
    list.map((entry) => {
      const equals = entry.indexOf('=')
      return equals === -1 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)]
    }),
  )
}

export function environmentList(variables: Variables): string[] {
  return Array.from(variables, ([name, value]) => `${name}=${value}`)
}

/** The state below an ENV of these values, which are meant as they are. */
export function withEnvironment(state: StageState, values: Readonly<Record<string, string>>): StageState {
  const own = Object.entries(values)
  const env = new Map([...environmentOf(state.config.Env ?? []), ...own])
  return {
    ...state,
    config: { ...state.config, Env: environmentList(env) },
    variables: new Map([...state.variables, ...own]),
  }
}

/** A command as the image's configuration has it: text goes through the stage's SHELL. */
export function withShell(config: ImageRunConfig, text: string): string[] {
  return [...(config.Shell !== undefined && config.Shell.length > 0 ? config.Shell : defaultShell), text]
}
