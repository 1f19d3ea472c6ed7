import { TspodError } from '../../src/base/errors.js'
import { BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class ImageUnmount extends BaseCommand {
  static override summary = 'Unmount the files of images'
  static override usage = 'image unmount [OPTION]… [IMAGE…]'
  static override aliases = ['image:umount']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override flags = {
    all: switchFlag('All that are mounted', { char: 'a' }),
    force: switchFlag('Does nothing: an image is always unmounted at once', { char: 'f' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ImageUnmount)
    if (!flags.all && argv.length === 0) throw new TspodError('usage', 'name an image, or use --all')
    if (flags.all && argv.length > 0) throw new TspodError('usage', 'when using --all, no image can be named')
    const { images } = await this.engine()
    for (const name of flags.all ? (await images.mounted()).map(({ id }) => id) : argv) {
      try {
        const unmounted = await images.unmount(name)
        if (unmounted !== undefined) this.print(unmounted.id)
      } catch (error) {
        this.failed(error)
      }
    }
  }
}
