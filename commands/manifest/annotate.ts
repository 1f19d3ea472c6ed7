import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag } from '../../src/cli/flags/define.js'
import { detailFlags, manifestDetails } from '../../src/cli/images/manifest-flags.js'
import { unsupported } from '../../src/cli/flags/unsupported.js'

export default class ManifestAnnotate extends BaseCommand {
  static override summary = 'Say more of an image of a manifest list'
  static override usage = 'manifest annotate [OPTION]… LIST [IMAGE]'
  static override completes: typeof BaseCommand.completes = ['image']
  static override args = {
    list: Args.string({ description: 'Manifest list', required: true }),
    image: Args.string({ description: 'Digest in the list, or a local image' }),
  }
  static override flags = {
    ...detailFlags,
    index: switchFlag('Annotate the list itself'),
    ...unsupported({ subject: 'a subject of the list' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ManifestAnnotate)
    const { manifests } = await this.engine()
    const digest = await manifests.annotate(args.list, args.image, { ...manifestDetails(flags), index: flags.index })
    this.print(digest.replace(/^sha256:/, ''))
  }
}
