import { digestHex } from '../../src/base/digest.js'
import { BaseCommand } from '../../src/cli/base-command.js'
import { asTyped, listFlag, switchFlag, textFlag } from '../../src/cli/flags/define.js'

export default class ArtifactAdd extends BaseCommand {
  static override summary = 'Make an artifact of files'
  static override usage = 'artifact add [OPTION]… ARTIFACT FILE…'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['none', 'file']
  static override positionals = { minimum: 2 }
  static override flags = {
    annotation: listFlag(asTyped, 'KEY=VALUE for each of the files', { helpValue: 'ANNOTATION' }),
    append: switchFlag('Add the files to the artifact that has the name', { char: 'a' }),
    'file-type': textFlag('Media type of the files', { helpValue: 'TYPE' }),
    replace: switchFlag('Take the name from the artifact that has it'),
    type: textFlag('Type of the artifact', { helpValue: 'TYPE' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ArtifactAdd)
    const [name = '', ...files] = argv
    const { append, replace, type, 'file-type': fileType } = flags
    const { artifacts } = await this.engine()
    const digest = await artifacts.add(name, files, {
      append,
      replace,
      annotations: flags.annotation ?? [],
      ...(type === undefined ? {} : { type }),
      ...(fileType === undefined ? {} : { fileType }),
    })
    this.print(digestHex(digest))
  }
}
