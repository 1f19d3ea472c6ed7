import { Args, BaseCommand } from '../../../src/cli/base-command.js'
import { listFlag, textFlag } from '../../../src/cli/flags/define.js'

export default class ImageTrustSet extends BaseCommand {
  static override summary = 'Say which images are trusted'
  static override usage = 'image trust set [OPTION]… REGISTRY'
  static override completes: typeof BaseCommand.completes = ['none']
  static override args = {
    registry: Args.string({ description: 'A registry, a part of one, or default', required: true }),
  }
  static override flags = {
    policypath: textFlag('Change this file', { hidden: true, helpValue: 'FILE' }),
    pubkeysfile: listFlag((text) => text, 'File with a public key that signs', { char: 'f', helpValue: 'FILE' }),
    type: textFlag('What is wanted of its images', {
      char: 't',
      options: ['accept', 'reject', 'signedBy', 'sigstoreSigned'],
      helpValue: 'TYPE',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageTrustSet)
    const { registries } = await this.engine()
    await registries.setPolicy(args.registry, {
      type: (flags.type ?? 'signedBy') as 'signedBy',
      keys: flags.pubkeysfile ?? [],
      ...(flags.policypath === undefined ? {} : { policy: flags.policypath }),
    })
  }
}
