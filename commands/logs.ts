import { latestOr, ManyCommand, type FlagsOf } from '../src/cli/families.js'
import { logPrinter, printText } from '../src/cli/containers/log-printer.js'
import { switchFlag, valueFlag } from '../src/cli/flags/define.js'
import { parseInteger } from '../src/cli/parse/value.js'
import { parseSince, parseUntil } from '../src/cli/parse/moment.js'
import { type Engine, TspodError } from '../src/index.js'

export default class Logs extends ManyCommand {
  static override summary = 'Show what containers have written'
  static override usage = 'logs [OPTION]… CONTAINER…'
  static override aliases = ['container:logs']
  static override completes: typeof ManyCommand.completes = ['container']
  static override flags = {
    color: switchFlag('A color for each container'),
    follow: switchFlag('Go on as it writes more', { char: 'f' }),
    latest: switchFlag('Of the container created last', { char: 'l' }),
    names: switchFlag("Of several containers: put the container's name before each line", { char: 'n' }),
    since: valueFlag(parseSince, 'Only what is not older than this', { helpValue: 'TIME' }),
    tail: valueFlag((text) => parseInteger(text, -1, Number.MAX_SAFE_INTEGER), 'Only so many lines from the end', {
      helpValue: 'N',
    }),
    timestamps: switchFlag('Put the time before each line', { char: 't' }),
    until: valueFlag(parseUntil, 'Only what is not newer than this', { helpValue: 'TIME' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Logs)
    const engine = await this.engine()
    const containers = await Promise.all(
      (await this.#names(engine, flags, argv)).map((name) => engine.containers.get(name)),
    )
    const options = {
      follow: flags.follow,
      ...(flags.tail === undefined || flags.tail < 0 ? {} : { tail: flags.tail }),
      ...(flags.since === undefined ? {} : { since: flags.since }),
      ...(flags.until === undefined ? {} : { until: flags.until }),
    }
    const printer = logPrinter({ timestamps: flags.timestamps, color: flags.color })
    const show = async ({ id, name }: (typeof containers)[number], index: number): Promise<void> => {
      const label = containers.length === 1 ? '' : flags.names ? name : id.slice(0, 12)
      const plain = label === '' && !flags.timestamps && !flags.color && !flags.since && !flags.until
      try {
        if (plain) for await (const piece of engine.containers.logText(id, options)) printText(piece)
        else {
          const print = printer(label, index)
          for await (const line of engine.containers.logs(id, options)) print(line)
        }
      } catch (error) {
        this.failed(error)
      }
    }
    if (flags.follow) await Promise.all(containers.map(show))
    else for (const [index, container] of containers.entries()) await show(container, index)
  }

  async #names(engine: Engine, flags: FlagsOf<typeof Logs>, argv: readonly string[]): Promise<readonly string[]> {
    if (!flags.latest && argv.length === 0)
      throw new TspodError('usage', 'specify at least one container name or ID to log')
    return latestOr(engine, flags.latest, argv)
  }
}
