import { BaseCommand } from '../src/cli/base-command.js'
import { textFlag } from '../src/cli/flags/define.js'
import { archiveOutput } from '../src/cli/archive-output.js'

export default class Export extends BaseCommand {
  static override summary = 'Write the files of a container as a tar archive'
  static override usage = 'export [OPTION]… CONTAINER'
  static override aliases = ['container:export']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['container', 'none']
  static override positionals = { minimum: 1, maximum: 1 }
  static override flags = {
    output: textFlag('Write to this file instead of stdout', { char: 'o', helpValue: 'FILE' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Export)
    const output = archiveOutput(flags.output)
    const engine = await this.engine()
    await engine.containers.export(argv[0] ?? '', output)
  }
}
