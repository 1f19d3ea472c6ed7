import { BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag } from '../../src/cli/flags/define.js'
import { detailFlags, manifestDetails } from '../../src/cli/images/manifest-flags.js'
import { registryAccess, registryFlags, withPassword } from '../../src/cli/images/registry-flags.js'
import { unsupported } from '../../src/cli/flags/unsupported.js'

export default class ManifestAdd extends BaseCommand {
  static override summary = 'Add images to a manifest list'
  static override usage = 'manifest add [OPTION]… LIST IMAGE…'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override positionals = { minimum: 2 }
  static override flags = {
    all: switchFlag('Of an IMAGE that is a list, take every image'),
    ...detailFlags,
    ...registryFlags,
    ...unsupported({
      artifact: 'artifacts in lists; use tspod artifact',
      'artifact-config': 'artifacts in lists; use tspod artifact',
      'artifact-config-type': 'artifacts in lists; use tspod artifact',
      'artifact-exclude-titles': 'artifacts in lists; use tspod artifact',
      'artifact-layer-type': 'artifacts in lists; use tspod artifact',
      'artifact-subject': 'artifacts in lists; use tspod artifact',
      'artifact-type': 'artifacts in lists; use tspod artifact',
    }),
  }

  async run(): Promise<void> {
    const { flags: given, argv } = await this.parse(ManifestAdd)
    const flags = await withPassword(given)
    const [list = '', ...images] = argv
    const engine = await this.engine(this.showProgress(false))
    const digest = await engine.manifests.add(list, images, {
      ...registryAccess(flags, (flag) => this.given(flag)),
      ...manifestDetails(flags),
      all: flags.all,
    })
    this.print(digest.replace(/^sha256:/, ''))
  }
}
