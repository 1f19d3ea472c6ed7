import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class ImageScp extends BaseCommand {
  static override summary = 'Copy an image between hosts and users'
  static override usage = 'image scp [OPTION]… [HOST::]IMAGE [HOST::]'
  static override completes: typeof BaseCommand.completes = ['image', 'none']
  static override args = {
    image: Args.string({ description: 'Image, with HOST:: in front one of another host', required: true }),
    destination: Args.string({ description: 'HOST::, or nothing for here' }),
  }
  static override flags = { quiet: switchFlag('Print nothing but errors', { char: 'q' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageScp)
    const { images } = await this.engine(this.showProgress(flags.quiet))
    for (const name of await images.scp(args.image, args.destination))
      if (!flags.quiet) this.print(`Loaded image: ${name}`)
  }
}
