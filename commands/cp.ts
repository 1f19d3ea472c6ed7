import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag, switchFlagOn } from '../src/cli/flags/define.js'
import { copyEnds } from '../src/cli/copy-ends.js'

export default class Cp extends BaseCommand {
  static override summary = 'Copy files between a container and the host'
  static override usage = 'cp [OPTION]… [CONTAINER:]SOURCE|- [CONTAINER:]TARGET|-'
  static override aliases = ['container:cp']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['container', 'container']
  static override positionals = { minimum: 2, maximum: 2 }
  static override flags = {
    archive: switchFlagOn("Give what is copied into a container to the container's user", { char: 'a' }),
    overwrite: switchFlag('Let folders replace files, and files folders'),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Cp)
    const { from, to } = copyEnds(argv[0] ?? '', argv[1] ?? '')
    const engine = await this.engine()
    await engine.containers.copy(from, to, { archive: flags.archive, overwrite: flags.overwrite })
  }
}
