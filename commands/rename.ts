import { Args, BaseCommand } from '../src/cli/base-command.js'

export default class Rename extends BaseCommand {
  static override summary = 'Give a container another name'
  static override usage = 'rename CONTAINER NAME'
  static override aliases = ['container:rename']
  static override completes: typeof BaseCommand.completes = ['container', 'none']
  static override positionals = { minimum: 2, maximum: 2 }
  static override args = {
    container: Args.string({ description: 'Container to rename', required: true }),
    name: Args.string({ description: 'Its new name', required: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Rename)
    const engine = await this.engine()
    await engine.containers.rename(args.container, args.name)
  }
}
