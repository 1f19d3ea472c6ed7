import { BaseCommand } from '../../src/cli/base-command.js'
import { textFlag } from '../../src/cli/flags/define.js'
import { archiveOutput } from '../../src/cli/archive-output.js'

export default class VolumeExport extends BaseCommand {
  static override summary = 'Write the files of a volume as a tar archive'
  static override usage = 'volume export [OPTION]… VOLUME'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['volume', 'none']
  static override positionals = { minimum: 1, maximum: 1 }
  static override flags = {
    output: textFlag('Write to this file instead of stdout', { char: 'o', helpValue: 'FILE' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(VolumeExport)
    const output = archiveOutput(flags.output)
    const engine = await this.engine()
    await engine.volumes.export(argv[0] ?? '', output)
  }
}
