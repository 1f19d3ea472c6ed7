import { Args, BaseCommand } from '../src/cli/base-command.js'

export default class Completion extends BaseCommand {
  static override summary = 'Print the completion script of a shell'
  static override args = {
    shell: Args.string({ description: 'bash, zsh or fish', required: true, options: ['bash', 'zsh', 'fish'] }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    this.print(args.shell)
  }
}
