import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag } from '../../src/cli/flags/define.js'
import { treeLines } from '../../src/cli/images/tree-view.js'

export default class ImageTree extends BaseCommand {
  static override summary = 'Show the layers of an image'
  static override usage = 'image tree [OPTION]… IMAGE'
  static override completes: typeof BaseCommand.completes = ['image']
  static override args = { image: Args.string({ description: 'Image to show', required: true }) }
  static override flags = { whatrequires: switchFlag('Show the images that were built on it instead') }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageTree)
    const engine = await this.engine()
    for (const line of treeLines(await engine.images.tree(args.image), flags.whatrequires)) this.print(line)
  }
}
