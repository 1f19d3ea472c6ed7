import { latestOr, ManyCommand } from '../src/cli/families.js'
import { switchFlag, textFlag } from '../src/cli/flags/define.js'
import { formatJson } from '../src/cli/output/json.js'

export default class Mount extends ManyCommand {
  static override summary = "Show where containers' roots can be seen"
  static override usage = 'mount [OPTION]… [CONTAINER…]'
  static override aliases = ['container:mount']
  static override completes: typeof ManyCommand.completes = ['container']
  static override flags = {
    all: switchFlag('All containers', { char: 'a' }),
    format: textFlag('json', { options: ['json'], helpValue: 'FORMAT' }),
    latest: switchFlag('The container created last', { char: 'l' }),
    'no-trunc': switchFlag('Show whole IDs'),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Mount)
    const { containers } = await this.engine()
    if (argv.length > 0 || flags.latest) {
      const names = await latestOr(await this.engine(), flags.latest, argv)
      const label = (name: string): string => (names.length === 1 ? '' : `${name} `)
      await this.each(names, async (name) => `${label(name)}${await containers.mount(name)}`)
      return
    }
    const rows: { readonly id: string; readonly mountpoint: string }[] = []
    const mounted = await containers.mounted()
    for (const { id, pid } of await containers.list({ all: true }))
      if (flags.all || mounted.has(id) || pid > 0) rows.push({ id, mountpoint: await containers.mount(id) })
    if (flags.format === 'json') this.write(formatJson(rows))
    else for (const { id, mountpoint } of rows) this.print(`${flags['no-trunc'] ? id : id.slice(0, 12)}  ${mountpoint}`)
  }
}
