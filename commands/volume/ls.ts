import { ListCommand } from '../../src/cli/families.js'
import { asTyped, listFlag } from '../../src/cli/flags/define.js'

export default class VolumeLs extends ListCommand {
  static override summary = 'List volumes'
  static override usage = 'volume ls [OPTION]…'
  static override aliases = ['volume:list']
  static override positionals = { maximum: 0 }
  static override flags = {
    filter: listFlag(asTyped, 'Only those that match KEY=VALUE', { char: 'f', helpValue: 'FILTER' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(VolumeLs)
    const engine = await this.engine()
    const volumes = await engine.volumes.list(flags.filter ?? [])
    await this.printList(volumes, flags, {
      columns: [
        { heading: 'DRIVER', cell: ({ Driver }) => Driver },
        { heading: 'VOLUME NAME', cell: ({ Name }) => Name },
      ],
      only: ({ Name }) => Name,
      fields: (volume) => volume,
      headings: { Name: 'VOLUME NAME' },
    })
  }
}
