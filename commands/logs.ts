import { ManyCommand } from '../src/cli/families.js'
import { logPrinter } from '../src/cli/containers/log-printer.js'
import { switchFlag, textFlag, valueFlag } from '../src/cli/flags/define.js'
import { parseInteger } from '../src/cli/parse/value.js'
import { parseMoment } from '../src/cli/parse/moment.js'
import { TspodError } from '../src/index.js'

export default class Logs extends ManyCommand {
  static override summary = 'Show what containers have written'
  static override usage = 'logs [OPTION]… CONTAINER…'
  static override aliases = ['container:logs']
  static override completes: typeof ManyCommand.completes = ['container']
  static override flags = {
    color: switchFlag('A color for each container'),
    follow: switchFlag('Go on as it writes more', { char: 'f' }),
    latest: switchFlag('Of the container created last', { char: 'l' }),
    names: switchFlag("Put the container's name before each line", { char: 'n' }),
    since: textFlag('Only what is not older than this', { helpValue: 'TIME' }),
    tail: valueFlag((text) => parseInteger(text, -1, Number.MAX_SAFE_INTEGER), 'Only so many lines from the end', {
      helpValue: 'N',
    }),
    timestamps: switchFlag('Put the time before each line', { char: 't' }),
    until: textFlag('Only what is not newer than this', { helpValue: 'TIME' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Logs)
    const engine = await this.engine()
    const names = flags.latest ? (await engine.containers.list({ all: true, last: 1 })).map(({ id }) => id) : argv
    if (names.length === 0) throw new TspodError('usage', 'logs needs the name of a container')
    const now = new Date()
    const options = {
      follow: flags.follow,
      ...(flags.tail === undefined || flags.tail < 0 ? {} : { tail: flags.tail }),
      ...(flags.since === undefined ? {} : { since: parseMoment(flags.since, now) }),
      ...(flags.until === undefined ? {} : { until: parseMoment(flags.until, now) }),
    }
    const print = logPrinter({ names: flags.names, timestamps: flags.timestamps, color: flags.color })
    const show = async (name: string, index: number): Promise<void> => {
      const label = flags.names ? (await engine.containers.inspect(name)).Name : name.slice(0, 12)
      for await (const line of engine.containers.logs(name, options))
        print(line, { label, index, many: names.length > 1 })
    }
    const results = await Promise.allSettled(names.map(show))
    for (const result of results) if (result.status === 'rejected') this.failed(result.reason)
  }
}
