import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { registryAccess, registryFlags, withPassword } from '../../src/cli/images/registry-flags.js'
import { formatJson } from '../../src/cli/output/json.js'

export default class ManifestInspect extends BaseCommand {
  static override summary = 'Show a manifest list'
  static override usage = 'manifest inspect [OPTION]… NAME'
  static override completes: typeof BaseCommand.completes = ['image']
  static override args = {
    name: Args.string({ description: 'A local list, or an image of a registry', required: true }),
  }
  static override flags = registryFlags

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse(ManifestInspect)
    const flags = await withPassword(given)
    const { manifests } = await this.engine()
    this.write(
      formatJson(
        await manifests.inspect(
          args.name,
          registryAccess(flags, (flag) => this.given(flag)),
        ),
      ),
    )
  }
}
