import { Args, BaseCommand } from '../src/cli/base-command.js'
import { completionScripts, shells, type Shell } from '../src/cli/completion/scripts.js'

export default class Completion extends BaseCommand {
  static override summary = 'Print the completion script of a shell'
  static override args = {
    shell: Args.string({ description: 'Shell to complete commands in', required: true, options: shells }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    this.write(completionScripts[args.shell as Shell])
  }
}
