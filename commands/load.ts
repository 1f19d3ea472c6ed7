import { isatty } from '../src/cli/terminal.js'
import { TspodError } from '../src/base/errors.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag, textFlag } from '../src/cli/flags/define.js'

export default class Load extends BaseCommand {
  static override summary = 'Read images from an archive'
  static override usage = 'load [OPTION]…'
  static override aliases = ['image:load']
  static override completes: typeof BaseCommand.completes = ['none']
  static override positionals = { maximum: 0 }
  static override flags = {
    input: textFlag('Read this file or folder instead of the standard input', { char: 'i', helpValue: 'FILE' }),
    quiet: switchFlag('Show no progress', { char: 'q' }),
    'signature-policy': textFlag('Use this policy.json', { hidden: true, helpValue: 'FILE' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Load)
    if (flags.input === undefined && isatty(0))
      throw new TspodError('usage', 'cannot read from terminal. Use command-line redirection or the --input flag')
    const engine = await this.engine(this.showProgress(flags.quiet))
    const names = await engine.images.load({
      input: flags.input ?? (process.stdin as AsyncIterable<Uint8Array>),
      ...(flags['signature-policy'] === undefined ? {} : { signaturePolicy: flags['signature-policy'] }),
    })
    for (const name of names) this.print(`Loaded image: ${name}`)
  }
}
