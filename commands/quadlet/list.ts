import type { QuadletSummary } from '../../src/index.js'
import { ListCommand } from '../../src/cli/families.js'
import { listFlag } from '../../src/cli/flags/define.js'
import { quadletFilter } from '../../src/cli/quadlet-filters.js'
import { quadletOptions } from '../../src/cli/quadlets.js'

export default class QuadletList extends ListCommand {
  static override summary = 'List quadlets, their services, and how those do'
  static override usage = 'quadlet list [OPTION]…'
  static override aliases = ['quadlet:ls']
  static override positionals = { maximum: 0 }
  static override flags = {
    filter: listFlag((text) => text, 'Only those that match KEY=PATTERN', { char: 'f', helpValue: 'FILTER' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(QuadletList)
    const matches = quadletFilter(flags.filter ?? [])
    const { systemd } = await this.engine()
    const quadlets = await systemd.listQuadlets(quadletOptions())
    await this.printList(quadlets.filter(matches), flags, {
      columns: [
        { heading: 'NAME', cell: ({ name }) => name },
        { heading: 'UNIT NAME', cell: ({ unit }) => unit },
        { heading: 'PATH ON DISK', cell: ({ path }) => path },
        { heading: 'STATUS', cell: ({ status }) => status },
        { heading: 'APPLICATION', cell: ({ application }) => application },
        { heading: 'POD', cell: ({ pod }) => pod },
      ],
      only: ({ name }) => name,
      fields,
    })
  }
}

/** Podman's names. */
function fields({ name, unit, path, status, application, pod }: QuadletSummary): object {
  return { Name: name, UnitName: unit, Path: path, Status: status, App: application, Pod: pod }
}
