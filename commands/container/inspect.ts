import { InspectCommand } from '../../src/cli/families.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class ContainerInspect extends InspectCommand {
  static override summary = 'Show everything known about containers'
  static override usage = 'container inspect [OPTION]… CONTAINER…'
  static override completes: typeof InspectCommand.completes = ['container']
  static override positionals = { minimum: 1 }
  static override flags = { size: switchFlag('Show the size, too', { char: 's' }) }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ContainerInspect)
    const engine = await this.engine()
    await this.printInspected(argv, flags.format, (name) => engine.containers.inspect(name, { size: flags.size }))
  }
}
