import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag } from '../src/cli/flags/define.js'
import { alignColumns } from '../src/cli/output/table.js'
import { TspodError, type Engine } from '../src/index.js'

export default class Top extends BaseCommand {
  static override summary = 'Show the processes of a container'
  static override usage = 'top [OPTION]… CONTAINER [DESCRIPTOR…]'
  static override aliases = ['container:top']
  static override strict = false
  static override fenced = true
  static override completes: typeof BaseCommand.completes = ['running', 'none']
  static override flags = {
    latest: switchFlag('Of the container created last', { char: 'l' }),
    'list-descriptors': switchFlag('Print the names of what can be shown'),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Top)
    const engine = await this.engine()
    if (flags['list-descriptors']) return this.print((await engine.containers.topDescriptors()).join('\n'))
    const [name, ...descriptors] = flags.latest ? [await latest(engine), ...argv] : argv
    if (name === undefined) throw new TspodError('usage', 'top needs the name of a running container')
    const { headings, rows } = await engine.containers.top(name, descriptors)
    this.write(alignColumns([headings, ...rows]))
  }
}

async function latest(engine: Engine): Promise<string> {
  const [last] = await engine.containers.list({ all: true, last: 1 })
  if (last === undefined) throw new TspodError('no-such-container', 'there is no container')
  return last.id
}
