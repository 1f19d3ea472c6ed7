import { Args, BaseCommand } from '../../src/cli/base-command.js'

export default class ManifestRemove extends BaseCommand {
  static override summary = 'Take an image out of a manifest list'
  static override usage = 'manifest remove LIST IMAGE'
  static override completes: typeof BaseCommand.completes = ['image']
  static override args = {
    list: Args.string({ description: 'Manifest list', required: true }),
    image: Args.string({ description: 'Digest in the list, or a local image', required: true }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(ManifestRemove)
    const { manifests } = await this.engine()
    this.print((await manifests.remove(args.list, args.image)).replace(/^sha256:/, ''))
  }
}
