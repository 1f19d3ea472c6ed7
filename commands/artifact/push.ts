import { writeFileSync } from 'node:fs'
import { TspodError } from '../../src/base/errors.js'
import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag, textFlag } from '../../src/cli/flags/define.js'
import { registryAccess, registryFlags, withPassword } from '../../src/cli/images/registry-flags.js'
import { signFlags, signOptions } from '../../src/cli/images/sign-flags.js'

export default class ArtifactPush extends BaseCommand {
  static override summary = 'Send an artifact to a registry'
  static override usage = 'artifact push [OPTION]… ARTIFACT [DESTINATION]'
  static override completes: typeof BaseCommand.completes = ['none']
  static override args = {
    artifact: Args.string({ description: 'Artifact to send', required: true }),
    destination: Args.string({ description: 'Where to; its name says it if it is left out' }),
  }
  static override flags = {
    digestfile: textFlag('Write the digest into this file', { helpValue: 'FILE' }),
    quiet: switchFlag('No progress', { char: 'q' }),
    ...registryFlags,
    ...signFlags,
  }

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse(ArtifactPush)
    const flags = await withPassword(given)
    const { artifacts } = await this.engine(this.showProgress(flags.quiet))
    const access = registryAccess(flags, (flag) => this.given(flag))
    const digest = await artifacts.push(args.artifact, args.destination, { ...access, ...signOptions(flags) })
    if (flags.digestfile === undefined) return
    try {
      writeFileSync(flags.digestfile, digest)
    } catch (error) {
      throw new TspodError('io', `writing the digest to ${flags.digestfile}`, { cause: error })
    }
  }
}
