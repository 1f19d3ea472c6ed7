import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type GeneratedService, type GenerateOptions, TspodError } from '../index.js'
import type { GlobalValues } from './argv.js'
import { asTyped, commaListFlag, listFlag, switchFlag, textFlag, valueFlag } from './flags/define.js'
import { parseInteger, parsePair } from './parse/value.js'
import { ownProgram } from './quadlets.js'

const seconds = (text: string): number => parseInteger(text, 0, 2 ** 31 - 1)

const policies = ['no', 'on-success', 'on-failure', 'on-abnormal', 'on-watchdog', 'on-abort', 'always'] as const

export const generateSystemdFlags = {
  after: commaListFlag(asTyped, 'Start after these units', { helpValue: 'UNIT' }),
  'container-prefix': textFlag('What the name of a service begins with', { helpValue: 'TEXT' }),
  env: listFlag((text) => parsePair(text), 'Set a variable of the environment', { char: 'e', helpValue: 'KEY=VALUE' }),
  files: switchFlag('Write files into the current folder, and print their paths', { char: 'f' }),
  format: textFlag('As json', { options: ['json'] }),
  name: switchFlag("Use the container's name instead of its ID", { char: 'n' }),
  new: switchFlag('Make a new container at each start'),
  'no-header': switchFlag('Leave out the comment with the version and the date'),
  requires: commaListFlag(asTyped, 'Need these units', { helpValue: 'UNIT' }),
  'restart-policy': textFlag('When systemd starts it again', { options: [...policies] }),
  'restart-sec': valueFlag(seconds, 'How long systemd waits before that', { helpValue: 'SECONDS' }),
  separator: textFlag('What stands between prefix and name', { helpValue: 'TEXT' }),
  'start-timeout': valueFlag(seconds, 'How long the start may take', { helpValue: 'SECONDS' }),
  'stop-timeout': valueFlag(seconds, 'How long the container has to stop', { helpValue: 'SECONDS' }),
  template: switchFlag('Make a template: an instance is a container of its own'),
  time: valueFlag(seconds, 'As --stop-timeout', { char: 't', helpValue: 'SECONDS' }),
  wants: commaListFlag(asTyped, 'Start these units as well', { helpValue: 'UNIT' }),
}

interface Values {
  readonly after: readonly string[] | undefined
  readonly 'container-prefix': string | undefined
  readonly env: readonly (readonly [string, string])[] | undefined
  readonly files: boolean
  readonly format: string | undefined
  readonly name: boolean
  readonly new: boolean
  readonly 'no-header': boolean
  readonly requires: readonly string[] | undefined
  readonly 'restart-policy': string | undefined
  readonly 'restart-sec': number | undefined
  readonly separator: string | undefined
  readonly 'start-timeout': number | undefined
  readonly 'stop-timeout': number | undefined
  readonly template: boolean
  readonly time: number | undefined
  readonly wants: readonly string[] | undefined
}

export function generateOptions(flags: Values, globals: GlobalValues): GenerateOptions {
  const policy = policies.find((known) => known === flags['restart-policy'])
  const stop = flags['stop-timeout'] ?? flags.time
  return {
    tspod: ownProgram(),
    globals: Object.entries(globals).flatMap(([name, values]) => [values].flat().map((value) => `--${name}=${value}`)),
    new: flags.new,
    name: flags.name,
    header: !flags['no-header'],
    template: flags.template,
    after: unitNames(flags.after),
    requires: unitNames(flags.requires),
    wants: unitNames(flags.wants),
    environment: (flags.env ?? []).map(([key, value]) => `${key}=${value}`),
    ...(policy === undefined ? {} : { restartPolicy: policy }),
    ...(stop === undefined ? {} : { stopSeconds: stop }),
    ...(flags['restart-sec'] === undefined ? {} : { restartSeconds: flags['restart-sec'] }),
    ...(flags['start-timeout'] === undefined ? {} : { startTimeoutSeconds: flags['start-timeout'] }),
    ...(flags['container-prefix'] === undefined ? {} : { containerPrefix: flags['container-prefix'] }),
    ...(flags.separator === undefined ? {} : { separator: flags.separator }),
  }
}

function unitNames(names: readonly string[] | undefined): readonly string[] {
  const wrong = names?.find((name) => !/^[\w:.\\@-]+$/.test(name))
  if (wrong !== undefined) throw new TspodError('invalid-argument', `"${wrong}" is not the name of a unit`)
  return names ?? []
}

/** One after the other, as JSON, or into files. */
export async function printServices(
  services: readonly GeneratedService[],
  { files, format }: Pick<Values, 'files' | 'format'>,
  write: (text: string) => void,
): Promise<void> {
  const paths = files
    ? services.map(({ name, text }): [string, string] => [name, writeService(`${name}.service`, text)])
    : undefined
  const shown = paths ?? services.map(({ name, text }): [string, string] => [name, text])
  if (format === 'json') {
    const { formatJson } = await import('./output/json.js')
    write(formatJson(Object.fromEntries(shown)))
  } else write(shown.map(([, text]) => (paths === undefined ? text : `${text}\n`)).join(''))
}

function writeService(file: string, text: string): string {
  const path = resolve(file)
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new TspodError('io', `writing ${path}`, { cause: error })
  }
  return path
}
