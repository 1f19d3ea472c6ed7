import { BaseCommand } from '../src/cli/base-command.js'

export default class Tag extends BaseCommand {
  static override summary = 'Give an image further names'
  static override usage = 'tag IMAGE NAME…'
  static override aliases = ['image:tag']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override positionals = { minimum: 2 }

  async run(): Promise<void> {
    const { argv } = await this.parse(Tag)
    const [image = '', ...names] = argv
    await (await this.engine()).images.tag(image, names)
  }
}
