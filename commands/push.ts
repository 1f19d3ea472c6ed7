import { writeFileSync } from 'node:fs'
import { TspodError } from '../src/base/errors.js'
import { Args, BaseCommand } from '../src/cli/base-command.js'
import { switchFlag, textFlag } from '../src/cli/flags/define.js'
import { pushFlags, pushOptions } from '../src/cli/images/push-flags.js'
import { silentFlags, withPassword } from '../src/cli/images/registry-flags.js'
import { unsupported } from '../src/cli/flags/unsupported.js'

export default class Push extends BaseCommand {
  static override summary = 'Send an image to a registry'
  static override usage = 'push [OPTION]… IMAGE [DESTINATION]'
  static override aliases = ['image:push']
  static override completes: typeof BaseCommand.completes = ['image', 'none']
  static override args = {
    image: Args.string({ description: 'Image to send', required: true }),
    destination: Args.string({ description: 'Where to; the image says it if it is left out' }),
  }
  static override flags = {
    ...pushFlags,
    digestfile: textFlag('Write the digest of the pushed image into this file', { helpValue: 'FILE' }),
    quiet: switchFlag('No progress', { char: 'q' }),
    ...silentFlags,
    ...unsupported({ 'encrypt-layer': 'encrypted images', 'encryption-key': 'encrypted images' }),
  }

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse(Push)
    const flags = await withPassword(given)
    const engine = await this.engine(this.showProgress(flags.quiet))
    const options = pushOptions(flags, (flag) => this.given(flag))
    const { digest } = await engine.images.push(args.image, args.destination, options)
    if (flags.digestfile === undefined) return
    try {
      writeFileSync(flags.digestfile, digest)
    } catch (error) {
      throw new TspodError('io', `writing the digest to ${flags.digestfile}`, { cause: error })
    }
  }
}
