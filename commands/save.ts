import { isatty } from '../src/cli/terminal.js'
import { TspodError } from '../src/base/errors.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag, textFlag } from '../src/cli/flags/define.js'
import { streamWriter } from '../src/cli/images/stream-writer.js'

export default class Save extends BaseCommand {
  static override summary = 'Write images to an archive'
  static override usage = 'save [OPTION]… IMAGE…'
  static override aliases = ['image:save']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override positionals = { minimum: 1 }
  static override flags = {
    compress: switchFlag('Compress the layers of a folder (docker-dir)'),
    format: textFlag('What to write', {
      options: ['docker-archive', 'oci-archive', 'oci-dir', 'docker-dir'],
      helpValue: 'FORMAT',
    }),
    'multi-image-archive': switchFlag('Each IMAGE is an image of its own, not a further name', { char: 'm' }),
    output: textFlag('Write to this file or folder instead of the standard output', { char: 'o', helpValue: 'FILE' }),
    quiet: switchFlag('Show no progress', { char: 'q' }),
    uncompressed: switchFlag('Write the layers of an OCI archive or folder uncompressed'),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Save)
    if (flags.output === undefined && isatty(1))
      throw new TspodError('usage', 'refusing to save to terminal. Use -o flag or redirect')
    if (flags.compress && flags.format !== 'docker-dir')
      throw new TspodError('usage', '--compress can only be set when --format is docker-dir')
    const engine = await this.engine(this.showProgress(flags.quiet))
    await engine.images.save({
      names: argv,
      ...(flags.format === undefined ? {} : { format: flags.format as 'docker-archive' }),
      output: flags.output ?? streamWriter(1),
      multi: flags['multi-image-archive'],
      compress: flags.compress,
      uncompressed: flags.uncompressed,
    })
  }
}
