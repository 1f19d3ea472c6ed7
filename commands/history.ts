import { compactJson } from '../src/cli/output/json.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag, switchFlagOn, textFlag } from '../src/cli/flags/define.js'
import { historyColumns, historyFields, historyId, historyJson } from '../src/cli/images/rows.js'
import { formatList } from '../src/cli/output/list.js'

export default class History extends BaseCommand {
  static override summary = 'Show how an image was made'
  static override usage = 'history [OPTION]… IMAGE'
  static override aliases = ['image:history']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override positionals = { minimum: 1, maximum: 1 }
  static override flags = {
    format: textFlag('json, or a Go template', { helpValue: 'FORMAT' }),
    human: switchFlagOn('Show sizes and times for people', { char: 'H' }),
    'no-trunc': switchFlag('Show whole texts'),
    quiet: switchFlag('Print only the IDs', { char: 'q' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(History)
    const entries = await (await this.engine()).images.history(argv[0] ?? '')
    const now = new Date()
    const options = { human: flags.human, noTrunc: flags['no-trunc'] }
    if (flags.format === 'json') this.print(compactJson(entries.map(historyJson)))
    else {
      this.write(
        await formatList(entries, {
          columns: historyColumns(options, now),
          format: flags.format,
          only: flags.quiet ? (entry) => historyId(entry, flags['no-trunc']) : undefined,
          fields: (entry) => historyFields(entry, options, now),
          headings: { CreatedBy: 'CREATED BY', CreatedSince: 'CREATED', CreatedAt: 'CREATED AT' },
        }),
      )
    }
  }
}
