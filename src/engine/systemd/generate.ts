import { TspodError } from '../../base/errors.js'
import { containerService } from '../../systemd/generate.js'
import type { Context } from '../context.js'
import { findContainer } from '../containers/store.js'
import { versionReport } from '../system/version.js'
import type { GeneratedService, GenerateOptions } from './types.js'

const defaultStopSeconds = 10

/** A service for a container that exists. */
export function generateService(context: Context, nameOrId: string, options: GenerateOptions): GeneratedService {
  const { id, name, spec } = findContainer(context, nameOrId)
  const prefix = options.containerPrefix ?? 'container'
  const unit = [prefix, options.name === true ? name : id].filter((part) => part !== '').join(options.separator ?? '-')
  if (!/^[\w:.\\-]+$/.test(unit) || unit.startsWith('.'))
    throw new TspodError('invalid-argument', `${unit}.service cannot be a unit's name`)
  const createCommand = options.new === true ? requireCreateCommand(name, spec.createCommand) : undefined
  if (options.template === true && createCommand === undefined)
    throw new TspodError('usage', '--template needs --new: an instance has a container of its own')
  const { restartSeconds, startTimeoutSeconds } = options
  const text = containerService({
    ...listsOf(options),
    unit,
    tspod: options.tspod,
    id,
    name,
    createCommand: namedCommand(createCommand, name),
    restartPolicy: options.restartPolicy ?? 'on-failure',
    ...(restartSeconds === undefined ? {} : { restartSeconds }),
    ...(startTimeoutSeconds === undefined ? {} : { startTimeoutSeconds }),
    stopSeconds: options.stopSeconds ?? defaultStopSeconds,
    template: options.template === true,
    ...(options.header === false
      ? {}
      : { header: { version: versionReport().version, date: context.clock().toUTCString() } }),
  })
  return { name: `${unit}${options.template === true ? '@' : ''}`, text }
}

function listsOf({ globals = [], after = [], requires = [], wants = [], environment = [] }: GenerateOptions) {
  return { globals, after, requires, wants, environment }
}

function requireCreateCommand(name: string, command: readonly string[]): readonly string[] {
  if (command.some((word) => word === 'run' || word === 'create')) return command
  throw new TspodError(
    'invalid-argument',
    `cannot use --new on container ${name}: it was not made by "tspod run" or "tspod create"`,
  )
}

/** A container that was given a name by us keeps it: the service's next one replaces it. */
function namedCommand(command: readonly string[] | undefined, name: string): readonly string[] | undefined {
  if (command === undefined || command.some((word) => word === '--name' || word.startsWith('--name='))) return command
  const at = command.findIndex((word) => word === 'run' || word === 'create')
  return [...command.slice(0, at + 1), '--name', name, ...command.slice(at + 1)]
}
