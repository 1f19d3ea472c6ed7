import { ListCommand } from '../src/cli/families.js'
import { listFlag, switchFlag, textFlag } from '../src/cli/flags/define.js'
import {
  imageColumns,
  imageFields,
  imageHeadings,
  imageJson,
  imageRows,
  shownId,
  sortKeys,
} from '../src/cli/images/rows.js'

export default class Images extends ListCommand {
  static override summary = 'List images'
  static override usage = 'images [OPTION]… [IMAGE]'
  static override aliases = ['image:ls', 'image:list']
  static override strict = false
  static override completes: typeof ListCommand.completes = ['image']
  static override positionals = { maximum: 1 }
  static override flags = {
    all: switchFlag('Show intermediate images, too', { char: 'a' }),
    digests: switchFlag('Show digests'),
    filter: listFlag((text) => text, 'Only those that match KEY=VALUE or KEY!=VALUE', {
      char: 'f',
      helpValue: 'FILTER',
    }),
    history: switchFlag('Show the names that images had'),
    'no-trunc': switchFlag('Show whole IDs'),
    sort: textFlag('Sort by this', { options: sortKeys }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Images)
    const engine = await this.engine()
    const [name] = argv
    const images = await engine.images.list({
      all: flags.all,
      filters: flags.filter ?? [],
      ...(name === undefined ? {} : { name }),
    })
    const now = new Date()
    const noTrunc = flags['no-trunc']
    const isJson = flags.json === true || flags.format === 'json'
    const rows = imageRows(images, flags.sort ?? 'created')
    const isFirst = (row: (typeof rows)[number]): boolean => rows.find(({ image }) => image.id === row.image.id) === row
    await this.printList(isJson || flags.quiet ? rows.filter(isFirst) : rows, flags, {
      columns: imageColumns({ digests: flags.digests, noTrunc, history: flags.history }, now),
      only: ({ image }) => shownId(image, noTrunc),
      fields: (row) => imageFields(row, noTrunc, now),
      json: ({ image }) => imageJson(image),
      headings: imageHeadings,
    })
  }
}
