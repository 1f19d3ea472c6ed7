import { isatty } from '../src/cli/terminal.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag, textFlag, valueFlag } from '../src/cli/flags/define.js'
import { statsColumns, statsFields, statsHeadings, statsJson } from '../src/cli/containers/stats-rows.js'
import { formatList } from '../src/cli/output/list.js'
import { parseInteger } from '../src/cli/parse/value.js'
import { TspodError } from '../src/index.js'

/** To the top left, and nothing below. */
const clearScreen = '\u001b[2J\u001b[H'

export default class Stats extends BaseCommand {
  static override summary = 'Show what containers use'
  static override usage = 'stats [OPTION]… [CONTAINER…]'
  static override aliases = ['container:stats']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['running']
  static override flags = {
    all: switchFlag('Show containers that do not run, too', { char: 'a' }),
    format: textFlag('json, or a Go template; "table {{.ID}}" adds headings'),
    interval: valueFlag((text) => parseInteger(text, 1, 86_400), 'Seconds between two looks', {
      char: 'i',
      helpValue: 'SECONDS',
    }),
    latest: switchFlag('Of the container created last', { char: 'l' }),
    'no-reset': switchFlag('Do not clear the screen between two looks'),
    'no-stream': switchFlag('Look once, and no more'),
    'no-trunc': switchFlag('Show whole IDs', { aliases: ['notrunc'] }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Stats)
    const selected = Number(flags.all) + Number(flags.latest) + Number(argv.length > 0)
    if (selected > 1) throw new TspodError('usage', '--all, --latest and containers cannot be used together')
    const engine = await this.engine()
    const names = flags.latest ? (await engine.containers.list({ all: true, last: 1 })).map(({ id }) => id) : argv
    const options = { noTrunc: flags['no-trunc'] }
    const looks = engine.containers.stats(names, {
      all: flags.all,
      once: flags['no-stream'],
      ...(flags.interval === undefined ? {} : { intervalMilliseconds: flags.interval * 1000 }),
    })
    const clears = !flags['no-stream'] && !flags['no-reset'] && flags.format !== 'json' && isatty(1)
    for await (const rows of looks) {
      const text = await formatList(rows, {
        columns: statsColumns(options),
        format: flags.format,
        fields: (row) => statsFields(row, options),
        json: (row) => statsJson(row, options),
        headings: statsHeadings,
      })
      this.write(clears ? clearScreen + text : text)
    }
  }
}
