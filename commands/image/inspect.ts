import { InspectCommand } from '../../src/cli/families.js'

export default class ImageInspect extends InspectCommand {
  static override summary = 'Show everything known about images'
  static override usage = 'image inspect [OPTION]… IMAGE…'
  static override completes: typeof InspectCommand.completes = ['image']
  static override positionals = { minimum: 1 }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ImageInspect)
    const engine = await this.engine()
    await this.printInspected(argv, flags.format, (name) => engine.images.inspect(name))
  }
}
