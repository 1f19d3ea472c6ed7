import { TspodError, type QuadletSummary } from '../../src/index.js'
import { ListCommand } from '../../src/cli/families.js'
import { listFlag } from '../../src/cli/flags/define.js'
import { quadletOptions } from '../../src/cli/quadlets.js'

export default class QuadletList extends ListCommand {
  static override summary = 'List quadlets, their services, and how those do'
  static override usage = 'quadlet list [OPTION]…'
  static override aliases = ['quadlet:ls']
  static override positionals = { maximum: 0 }
  static override flags = {
    filter: listFlag((text) => text, 'Only those that match name=PATTERN', { char: 'f', helpValue: 'FILTER' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(QuadletList)
    const matches = (flags.filter ?? []).map(nameFilter)
    const { systemd } = await this.engine()
    const quadlets = await systemd.listQuadlets(quadletOptions())
    await this.printList(
      quadlets.filter(({ name }) => matches.every((match) => match(name))),
      flags,
      {
        columns: [
          { heading: 'NAME', cell: ({ name }) => name },
          { heading: 'UNIT NAME', cell: ({ unit }) => unit },
          { heading: 'PATH ON DISK', cell: ({ path }) => path },
          { heading: 'STATUS', cell: ({ status }) => status },
        ],
        only: ({ name }) => name,
        fields,
      },
    )
  }
}

/** Podman's names. */
function fields({ name, unit, path, status }: QuadletSummary): object {
  return { Name: name, UnitName: unit, Path: path, Status: status }
}

/** `*` and `?` as in a shell. */
function nameFilter(filter: string): (name: string) => boolean {
  const [, pattern] = /^name=(.+)$/s.exec(filter) ?? []
  if (pattern === undefined) throw new TspodError('invalid-argument', `filter "${filter}": name=PATTERN was expected`)
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  const expression = new RegExp(`^${source}$`, 's')
  return (name) => expression.test(name)
}
