import { BaseCommand } from '../../src/cli/base-command.js'
import { asTyped, listFlag, switchFlag } from '../../src/cli/flags/define.js'
import { registryAccess, registryFlags, withPassword } from '../../src/cli/images/registry-flags.js'

export default class ManifestCreate extends BaseCommand {
  static override summary = 'Make a list of images for several platforms'
  static override usage = 'manifest create [OPTION]… LIST [IMAGE]…'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['none', 'image']
  static override positionals = { minimum: 1 }
  static override flags = {
    all: switchFlag('Of an IMAGE that is a list, take every image'),
    amend: switchFlag('Add to a list of this name that is there already', { char: 'a' }),
    annotation: listFlag(asTyped, 'Annotation of the list', { helpValue: 'KEY=VALUE' }),
    ...registryFlags,
  }

  async run(): Promise<void> {
    const { flags: given, argv } = await this.parse(ManifestCreate)
    const flags = await withPassword(given)
    const [name = '', ...images] = argv
    const engine = await this.engine(this.showProgress(false))
    const digest = await engine.manifests.create(name, images, {
      ...registryAccess(flags, (flag) => this.given(flag)),
      all: flags.all,
      amend: flags.amend,
      annotations: flags.annotation ?? [],
    })
    this.print(digest.replace(/^sha256:/, ''))
  }
}
