import { Args, BaseCommand } from '../../src/cli/base-command.js'

export default class ManifestExists extends BaseCommand {
  static override summary = 'Say by the exit status whether a manifest list exists'
  static override usage = 'manifest exists NAME'
  static override completes: typeof BaseCommand.completes = ['image']
  static override args = { name: Args.string({ description: 'Manifest list', required: true }) }

  async run(): Promise<number> {
    const { args } = await this.parse(ManifestExists)
    const { manifests } = await this.engine()
    return (await manifests.exists(args.name)) ? 0 : 1
  }
}
