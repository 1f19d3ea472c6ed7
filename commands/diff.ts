import { BaseCommand } from '../src/cli/base-command.js'
import { latestOr } from '../src/cli/families.js'
import { switchFlag, textFlag } from '../src/cli/flags/define.js'

export default class Diff extends BaseCommand {
  static override summary = 'Show what a container has changed, or an image'
  static override usage = 'diff [OPTION]… CONTAINER|IMAGE [CONTAINER|IMAGE]'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['container']
  static override positionals = { maximum: 2 }
  static override flags = {
    format: textFlag('json', { helpValue: 'FORMAT' }),
    latest: switchFlag('Of the container created last', { char: 'l' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Diff)
    const engine = await this.engine()
    const [name = '', other] = await latestOr(engine, flags.latest, argv)
    const changes =
      other === undefined
        ? await engine.containers.changes(name, 'any')
        : await engine.containers.changesBetween(name, other, 'any')
    const { formatChanges } = await import('../src/cli/changes.js')
    this.write(formatChanges(changes, flags.format))
  }
}
