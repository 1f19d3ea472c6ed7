import { TspodError } from '../src/index.js'
import { ListCommand } from '../src/cli/families.js'
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
    filter: listFlag((text) => text, 'Only those that match KEY=VALUE', { char: 'f', helpValue: 'FILTER' }),
    last: valueFlag((text) => parseInteger(text, -1, 2 ** 31 - 1), 'Only so many that were created last', {
      helpValue: 'N',
    }),
    latest: switchFlag('Only the one created last', { char: 'l' }),
    'no-trunc': switchFlag('Show whole IDs and commands'),
    size: switchFlag("Show the containers' sizes", { char: 's' }),
    sort: textFlag('Sort by this', { options: Object.keys(sortOrders) }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Ps)
    if (flags.size && flags.quiet) throw new TspodError('usage', 'quiet conflicts with size')
    const engine = await this.engine()
    const last = flags.latest ? 1 : flags.last
    const containers = await engine.containers.list({
      all: flags.all,
      filters: flags.filter ?? [],
      size: flags.size,
      ...(last === undefined ? {} : { last }),
    })
    const options = { noTrunc: flags['no-trunc'], size: flags.size, now: new Date() }
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
