import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag, textFlag } from '../src/cli/flags/define.js'
import { unsupported } from '../src/cli/flags/unsupported.js'
import { registryChooser } from '../src/cli/images/choose-registry.js'
import {
  platformFlags,
  platformOption,
  registryAccess,
  registryFlags,
  silentFlags,
  withPassword,
} from '../src/cli/images/registry-flags.js'

export default class Pull extends BaseCommand {
  static override summary = 'Fetch images from a registry'
  static override usage = 'pull [OPTION]… IMAGE…'
  static override aliases = ['image:pull']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override positionals = { minimum: 1 }
  static override flags = {
    'all-tags': switchFlag('Fetch every tag of the repository', { char: 'a' }),
    policy: textFlag('When to fetch', { options: ['always', 'missing', 'never', 'newer'], helpValue: 'POLICY' }),
    quiet: switchFlag('Print only the ID', { char: 'q' }),
    'signature-policy': textFlag('Use this policy.json', { hidden: true, helpValue: 'FILE' }),
    ...platformFlags,
    ...registryFlags,
    ...silentFlags,
    ...unsupported({ 'decryption-key': 'encrypted images' }),
  }

  async run(): Promise<void> {
    const { flags: given, argv } = await this.parse(Pull)
    const flags = await withPassword(given)
    const engine = await this.engine(this.showProgress(flags.quiet))
    const chooseRegistry = registryChooser()
    const options = {
      ...registryAccess(flags, (flag) => this.given(flag)),
      ...platformOption(flags),
      ...(flags.policy === undefined ? {} : { policy: flags.policy as 'always' }),
      ...(chooseRegistry === undefined ? {} : { chooseRegistry }),
      ...(flags['signature-policy'] === undefined ? {} : { signaturePolicy: flags['signature-policy'] }),
      allTags: flags['all-tags'],
    }
    for (const name of argv) {
      try {
        for (const { id } of await engine.images.pull(name, options)) this.print(id)
      } catch (error) {
        this.failed(error)
      }
    }
  }
}
