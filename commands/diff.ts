import { BaseCommand } from '../src/cli/base-command.js'
import { textFlag } from '../src/cli/flags/define.js'

export default class Diff extends BaseCommand {
  static override summary = 'Show what a container has changed, or an image'
  static override usage = 'diff [OPTION]… CONTAINER|IMAGE [IMAGE]'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['container', 'none']
  static override positionals = { minimum: 1, maximum: 2 }
  static override flags = { format: textFlag('json', { helpValue: 'FORMAT' }) }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Diff)
    const engine = await this.engine()
    const [name = '', other] = argv
    const changes =
      other === undefined
        ? await engine.containers.changes(name, 'any')
        : await engine.containers.changesBetween(name, other)
    const { formatChanges } = await import('../src/cli/changes.js')
    this.write(formatChanges(changes, flags.format))
  }
}
