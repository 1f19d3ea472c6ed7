import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { textFlag } from '../../src/cli/flags/define.js'

export default class ArtifactExtract extends BaseCommand {
  static override summary = "Write an artifact's files"
  static override usage = 'artifact extract [OPTION]… ARTIFACT TARGET'
  static override completes: typeof BaseCommand.completes = ['none', 'file']
  static override args = {
    artifact: Args.string({ description: 'Artifact', required: true }),
    target: Args.string({ description: 'A folder for its files, or a file for a single one', required: true }),
  }
  static override flags = {
    digest: textFlag('Only the file with this digest', { helpValue: 'DIGEST' }),
    title: textFlag('Only the file with this title', { helpValue: 'TITLE' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ArtifactExtract)
    const { digest, title } = flags
    const { artifacts } = await this.engine()
    await artifacts.extract(args.artifact, args.target, {
      ...(digest === undefined ? {} : { digest }),
      ...(title === undefined ? {} : { title }),
    })
  }
}
