import { BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag, switchFlagOn } from '../../src/cli/flags/define.js'

export default class QuadletInstall extends BaseCommand {
  static override summary = "Put quadlets where the user's systemd finds them"
  static override usage = 'quadlet install [OPTION]… PATH|URL…'
  static override strict = false
  static override positionals = { minimum: 1 }
  static override completes: typeof BaseCommand.completes = ['file']
  static override flags = {
    'reload-systemd': switchFlagOn('Have systemd read its units again'),
    replace: switchFlag('Replace those that are there', { char: 'r' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(QuadletInstall)
    const { systemd } = await this.engine()
    const options = { replace: flags.replace, reload: flags['reload-systemd'] }
    const { installed, errors } = await systemd.installQuadlets(argv, options)
    for (const path of installed) this.print(path)
    for (const error of errors) this.failed(error)
  }
}
