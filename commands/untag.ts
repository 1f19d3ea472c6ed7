import { BaseCommand } from '../src/cli/base-command.js'

export default class Untag extends BaseCommand {
  static override summary = 'Take names of an image away'
  static override usage = 'untag IMAGE [NAME…]'
  static override aliases = ['image:untag']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override positionals = { minimum: 1 }

  async run(): Promise<void> {
    const { argv } = await this.parse(Untag)
    const [image = '', ...names] = argv
    await (await this.engine()).images.untag(image, names)
  }
}
