import { BaseCommand } from '../src/cli/base-command.js'
import { eventFields, eventJson, eventText } from '../src/cli/events.js'
import { asTyped, listFlag, switchFlagOn, textFlag, valueFlag } from '../src/cli/flags/define.js'
import { parseSince, parseUntil } from '../src/cli/parse/moment.js'
import type { EngineEvent } from '../src/index.js'

export default class Events extends BaseCommand {
  static override summary = 'Show what happens to containers, images and volumes'
  static override usage = 'events [OPTION]…'
  static override aliases = ['system:events']
  static override positionals = { maximum: 0 }
  static override flags = {
    filter: listFlag(asTyped, 'Only those that match KEY=VALUE', { char: 'f', helpValue: 'FILTER' }),
    format: textFlag('json, or a Go template'),
    'no-trunc': switchFlagOn('Show whole IDs'),
    since: valueFlag(parseSince, 'What happened since, too', { helpValue: 'TIME' }),
    stream: switchFlagOn('Go on with what happens from now'),
    until: valueFlag(parseUntil, 'Nothing that happens after', { helpValue: 'TIME' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Events)
    const format = await formatter(flags.format, flags['no-trunc'])
    const engine = await this.engine()
    const events = engine.events({
      follow: flags.stream,
      filters: flags.filter ?? [],
      ...(flags.since === undefined ? {} : { since: flags.since }),
      ...(flags.until === undefined ? {} : { until: flags.until }),
    })
    for await (const event of events) this.write(format(event))
  }
}

async function formatter(format: string | undefined, noTrunc: boolean): Promise<(event: EngineEvent) => string> {
  if (format === undefined || format === '') return (event) => `${eventText(event, { noTrunc })}\n`
  if (format === 'json' || format === '{{json .}}') return (event) => `${eventJson(event)}\n`
  const { compileTemplate } = await import('../src/cli/output/template.js')
  const render = compileTemplate(format)
  return (event) => `${render(eventFields(event)).replace(/\n$/, '')}\n`
}
