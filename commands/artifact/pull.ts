import { digestHex } from '../../src/base/digest.js'
import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag, textFlag } from '../../src/cli/flags/define.js'
import { registryAccess, registryFlags, withPassword } from '../../src/cli/images/registry-flags.js'
import { unsupported } from '../../src/cli/flags/unsupported.js'

export default class ArtifactPull extends BaseCommand {
  static override summary = 'Fetch an artifact from a registry'
  static override usage = 'artifact pull [OPTION]… ARTIFACT'
  static override completes: typeof BaseCommand.completes = ['none']
  static override args = { artifact: Args.string({ description: 'Artifact on a registry', required: true }) }
  static override flags = {
    quiet: switchFlag('No progress', { char: 'q' }),
    'signature-policy': textFlag('Use this policy.json', { hidden: true, helpValue: 'FILE' }),
    ...registryFlags,
    ...unsupported({ 'decryption-key': 'encrypted artifacts' }),
  }

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse(ArtifactPull)
    const flags = await withPassword(given)
    const { artifacts } = await this.engine(this.showProgress(flags.quiet))
    const signaturePolicy = flags['signature-policy']
    const digest = await artifacts.pull(args.artifact, {
      ...registryAccess(flags, (flag) => this.given(flag)),
      ...(signaturePolicy === undefined ? {} : { signaturePolicy }),
    })
    this.print(digestHex(digest))
  }
}
