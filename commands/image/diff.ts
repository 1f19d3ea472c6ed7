import { BaseCommand } from '../../src/cli/base-command.js'
import { textFlag } from '../../src/cli/flags/define.js'

export default class ImageDiff extends BaseCommand {
  static override summary = 'Show what an image has changed'
  static override usage = 'image diff [OPTION]… IMAGE [IMAGE]'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override positionals = { minimum: 1, maximum: 2 }
  static override flags = { format: textFlag('json', { helpValue: 'FORMAT' }) }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ImageDiff)
    const engine = await this.engine()
    const [image = '', other] = argv
    const changes =
      other === undefined
        ? await engine.containers.changes(image, 'image')
        : await engine.containers.changesBetween(image, other, 'image')
    const { formatChanges } = await import('../../src/cli/changes.js')
    this.write(formatChanges(changes, flags.format))
  }
}
