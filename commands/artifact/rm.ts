import { digestHex } from '../../src/base/digest.js'
import { TspodError } from '../../src/base/errors.js'
import { BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class ArtifactRm extends BaseCommand {
  static override summary = 'Remove artifacts'
  static override usage = 'artifact rm [OPTION]… [ARTIFACT…]'
  static override aliases = ['artifact:remove']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['none']
  static override flags = {
    all: switchFlag('All of them', { char: 'a' }),
    ignore: switchFlag('One that is missing is no error', { char: 'i' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ArtifactRm)
    if (flags.all === argv.length > 0)
      throw new TspodError(
        'usage',
        flags.all ? 'when using --all, no artifact can be named' : 'name an artifact, or use --all',
      )
    const { artifacts } = await this.engine()
    for (const digest of flags.all ? await artifacts.removeAll() : []) this.print(digestHex(digest))
    for (const name of argv) {
      try {
        this.print(digestHex(await artifacts.remove(name)))
      } catch (error) {
        const isMissing = error instanceof TspodError && error.code === 'no-such-image'
        if (!(flags.ignore && isMissing)) this.failed(error)
      }
    }
  }
}
