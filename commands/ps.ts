import { isatty } from '../src/cli/terminal.js'
import { TspodError } from '../src/index.js'
import { type FlagsOf, ListCommand } from '../src/cli/families.js'
import {
  containerColumns,
  containerFields,
  containerHeadings,
  containerJson,
  sortOrders,
} from '../src/cli/containers/rows.js'
import { listFlag, switchFlag, textFlag, valueFlag } from '../src/cli/flags/define.js'
import { parseInteger } from '../src/cli/parse/value.js'

export default class Ps extends ListCommand {
  static override summary = 'List containers'
  static override usage = 'ps [OPTION]…'
  static override aliases = ['container:ps', 'container:ls', 'container:list']
  static override positionals = { maximum: 0 }
  static override flags = {
    all: switchFlag('Not only those that run', { char: 'a' }),
    external: switchFlag('Those that other tools have made, too: there are none'),
    filter: listFlag((text) => text, 'Only those that match KEY=VALUE', { char: 'f', helpValue: 'FILTER' }),
    last: valueFlag((text) => parseInteger(text, -1, 2 ** 31 - 1), 'Only so many that were created last', {
      char: 'n',
      helpValue: 'N',
    }),
    latest: switchFlag('Only the one created last', { char: 'l' }),
    'no-trunc': switchFlag('Show whole IDs and commands'),
    noheading: switchFlag('Leave out the headings', { aliases: ['no-heading'] }),
    ns: switchFlag('Show the namespaces', { aliases: ['namespace'] }),
    pod: switchFlag('Show the pods', { char: 'p' }),
    size: switchFlag("Show the containers' sizes", { char: 's' }),
    sort: textFlag('Sort by this', { options: Object.keys(sortOrders) }),
    sync: switchFlag('Look at the processes: that is always done'),
    watch: valueFlag((text) => parseInteger(text, 1, 86_400), 'List again after so many seconds, and so on', {
      char: 'w',
      helpValue: 'SECONDS',
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Ps)
    requireCompatible(flags)
    for (;;) {
      await this.#show(flags)
      if (flags.watch === undefined) return
      const milliseconds = flags.watch * 1000
      await new Promise((resolve) => setTimeout(resolve, milliseconds))
      if (isatty(1)) this.write('\u001b[H\u001b[2J')
    }
  }

  async #show(flags: FlagsOf<typeof Ps>): Promise<void> {
    const engine = await this.engine()
    const last = flags.latest ? 1 : flags.last
    const containers = await engine.containers.list({
      all: flags.all,
      filters: flags.filter ?? [],
      size: flags.size,
      namespaces: flags.ns,
      ...(last === undefined ? {} : { last }),
    })
    const options = {
      noTrunc: flags['no-trunc'],
      size: flags.size,
      pod: flags.pod,
      namespaces: flags.ns,
      now: new Date(),
    }
    const order = flags.sort === undefined ? undefined : sortOrders[flags.sort]
    await this.printList(order === undefined ? containers : containers.toSorted(order), flags, {
      columns: containerColumns(options),
      only: ({ id }) => (options.noTrunc ? id : id.slice(0, 12)),
      fields: (row) => containerFields(row, options),
      json: (row) => containerJson(row, options),
      headings: containerHeadings,
    })
  }
}

function requireCompatible(flags: FlagsOf<typeof Ps>): void {
  const conflict = (message: string): never => {
    throw new TspodError('usage', message)
  }
  if (flags.last !== undefined && flags.latest) conflict('last and latest are mutually exclusive')
  if (flags.quiet && (flags.size || flags.ns)) conflict('quiet conflicts with size and namespace')
  if (flags.size && flags.ns) conflict('size and namespace options conflict')
  if (flags.watch !== undefined && flags.latest) conflict('the watch and latest flags cannot be used together')
}
