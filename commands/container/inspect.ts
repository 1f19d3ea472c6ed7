import { InspectCommand, latestOr } from '../../src/cli/families.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class ContainerInspect extends InspectCommand {
  static override summary = 'Show everything known about containers'
  static override usage = 'container inspect [OPTION]… CONTAINER…'
  static override completes: typeof InspectCommand.completes = ['container']
  static override flags = {
    latest: switchFlag('The container created last', { char: 'l' }),
    size: switchFlag('Show the size, too', { char: 's' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ContainerInspect)
    const engine = await this.engine()
    const names = await latestOr(engine, flags.latest, argv)
    await this.printInspected(names, flags.format, (name) => engine.containers.inspect(name, { size: flags.size }))
  }
}
