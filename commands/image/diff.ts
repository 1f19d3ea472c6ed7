import { BaseCommand } from '../../src/cli/base-command.js'
import { textFlag } from '../../src/cli/flags/define.js'

export default class ImageDiff extends BaseCommand {
  static override summary = 'Show what the topmost layer of an image has changed'
  static override usage = 'image diff [OPTION]… IMAGE'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image', 'none']
  static override positionals = { minimum: 1, maximum: 1 }
  static override flags = { format: textFlag('json', { helpValue: 'FORMAT' }) }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ImageDiff)
    const engine = await this.engine()
    const changes = await engine.containers.changes(argv[0] ?? '', 'image')
    const { formatChanges } = await import('../../src/cli/changes.js')
    this.write(formatChanges(changes, flags.format))
  }
}
