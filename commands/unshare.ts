import { BaseCommand } from '../src/cli/base-command.js'

export default class Unshare extends BaseCommand {
  static override summary = 'Run a command, or a shell, in the user namespace that the files of containers belong to'
  static override usage = 'unshare [COMMAND [ARGUMENT…]]'
  static override aliases = ['system:unshare']
  static override strict = false
  static override fenced = true
  static override completes: typeof BaseCommand.completes = ['command', 'file']

  async run(): Promise<never> {
    const { argv } = await this.parse(Unshare)
    return (await this.engine()).system.unshareInPlace(argv)
  }
}
