import { BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag, textFlag } from '../../src/cli/flags/define.js'
import { formatTable } from '../../src/cli/output/table.js'
import type { Engine, MountedImage } from '../../src/index.js'

export default class ImageMount extends BaseCommand {
  static override summary = 'Mount the files of images'
  static override usage = 'image mount [OPTION]… [IMAGE…]'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override flags = {
    all: switchFlag('All images', { char: 'a' }),
    format: textFlag('json', { helpValue: 'FORMAT' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ImageMount)
    const engine = await this.engine()
    const names = flags.all ? [...new Set((await engine.images.list({ all: true })).map(({ id }) => id))] : argv
    const mounted: MountedImage[] = names.length > 0 || flags.all ? [] : await engine.images.mounted()
    for (const name of names) {
      try {
        mounted.push(await engine.images.mount(name))
      } catch (error) {
        this.failed(error)
      }
    }
    const rows = await withNames(engine, mounted)
    if (flags.format === 'json') {
      const { formatJson } = await import('../../src/cli/output/json.js')
      this.write(formatJson(rows.map(({ id, names, mountpoint }) => ({ id, Repositories: names, mountpoint }))))
    } else if (argv.length === 1) for (const { mountpoint } of rows) this.print(mountpoint)
    else this.write(formatTable(columns, rows, { heading: false }))
  }
}

type Row = MountedImage & { readonly names: readonly string[] }

const columns = [
  { heading: '', cell: ({ id, names }: Row) => names[0] ?? id.slice(0, 12) },
  { heading: '', cell: ({ mountpoint }: Row) => mountpoint },
]

async function withNames(engine: Engine, mounted: readonly MountedImage[]): Promise<Row[]> {
  const images = await engine.images.list({ all: true })
  return mounted.map((one) => ({ ...one, names: images.find(({ id }) => id === one.id)?.repoTags ?? [] }))
}
