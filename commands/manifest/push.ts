import { writeFileSync } from 'node:fs'
import { TspodError } from '../../src/base/errors.js'
import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag, switchFlagOn, textFlag } from '../../src/cli/flags/define.js'
import { registryAccess, registryFlags, withPassword } from '../../src/cli/images/registry-flags.js'
import { signFlags, signOptions } from '../../src/cli/images/sign-flags.js'
import { unsupported } from '../../src/cli/flags/unsupported.js'

export default class ManifestPush extends BaseCommand {
  static override summary = 'Send a manifest list to a registry'
  static override usage = 'manifest push [OPTION]… LIST [DESTINATION]'
  static override completes: typeof BaseCommand.completes = ['image', 'none']
  static override args = {
    list: Args.string({ description: 'Manifest list', required: true }),
    destination: Args.string({ description: 'Where to; the list says it if it is left out' }),
  }
  static override flags = {
    all: switchFlagOn('Send the images of the list, too'),
    digestfile: textFlag('Write the digest of the list into this file', { helpValue: 'FILE' }),
    quiet: switchFlag('No progress', { char: 'q' }),
    rm: switchFlag('Remove the list when it was sent', { aliases: ['purge'], char: 'p' }),
    'remove-signatures': switchFlag('Do not send signatures that came with the images'),
    ...registryFlags,
    ...signFlags,
    ...unsupported({
      'add-compression': 'a second compression of what is sent',
      'compression-format': 'another compression of what is sent; use push --compression-format for each image',
      'compression-level': 'another compression of what is sent; use push --compression-level for each image',
      'force-compression': 'another compression of what is sent; use push --force-compression for each image',
      format: 'another form of the list',
    }),
  }

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse(ManifestPush)
    const flags = await withPassword(given)
    if (!flags.all) throw new TspodError('not-supported', 'a list is sent with all of its images: --all cannot be off')
    const engine = await this.engine(this.showProgress(flags.quiet))
    const access = { ...registryAccess(flags, (flag) => this.given(flag)), ...signOptions(flags) }
    const { digest } = await engine.manifests.push(args.list, args.destination, {
      ...access,
      rm: flags.rm,
      removeSignatures: flags['remove-signatures'],
    })
    if (flags.digestfile !== undefined) writeFileSync(flags.digestfile, digest)
  }
}
