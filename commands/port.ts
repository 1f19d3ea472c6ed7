import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag } from '../src/cli/flags/define.js'
import { TspodError, type PortMapping } from '../src/index.js'

export default class Port extends BaseCommand {
  static override summary = 'Show the published ports of containers'
  static override usage = 'port [OPTION]… CONTAINER [PORT[/PROTOCOL]]'
  static override aliases = ['container:port']
  static override strict = false
  static override positionals = { maximum: 2 }
  static override completes: typeof BaseCommand.completes = ['container', 'none']
  static override flags = {
    all: switchFlag('Of all containers', { char: 'a' }),
    latest: switchFlag('Of the container created last', { char: 'l' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Port)
    const engine = await this.engine()
    if (flags.all) {
      if (argv.length > 0 || flags.latest)
        throw new TspodError('usage', 'no container may be named with --all, and --latest is another one')
      for (const { id } of await engine.containers.list({ all: true }))
        for (const mapping of await engine.containers.ports(id)) this.print(`${id.slice(0, 12)}\t${line(mapping)}`)
      return
    }
    const latest = flags.latest ? (await engine.containers.list({ all: true, last: 1 })).map(({ id }) => id) : []
    const [name, wanted] = [...latest, ...argv]
    if (name === undefined) throw new TspodError('usage', 'port needs the name of a container, or --all')
    const mappings = await engine.containers.ports(name, wanted)
    for (const mapping of mappings) this.print(wanted === undefined ? line(mapping) : host(mapping))
  }
}

function line(mapping: PortMapping): string {
  return `${mapping.containerPort}/${mapping.protocol} -> ${host(mapping)}`
}

function host({ hostIp, hostPort }: PortMapping): string {
  return `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:${hostPort}`
}
