import { BaseCommand } from '../src/cli/base-command.js'
import { textFlag } from '../src/cli/flags/define.js'

export default class Diff extends BaseCommand {
  static override summary = 'Show what a container has changed, or an image'
  static override usage = 'diff [OPTION]… CONTAINER|IMAGE'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['container', 'none']
  static override positionals = { minimum: 1, maximum: 1 }
  static override flags = { format: textFlag('json', { helpValue: 'FORMAT' }) }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Diff)
    const engine = await this.engine()
    const changes = await engine.containers.changes(argv[0] ?? '', 'any')
    const { formatChanges } = await import('../src/cli/changes.js')
    this.write(formatChanges(changes, flags.format))
  }
}
