import { TspodError } from '../../src/index.js'
import { BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag, switchFlagOn } from '../../src/cli/flags/define.js'

export default class QuadletRm extends BaseCommand {
  static override summary = 'Remove quadlets'
  static override usage = 'quadlet rm [OPTION]… QUADLET…'
  static override strict = false
  static override flags = {
    all: switchFlag('Remove every quadlet of the user', { char: 'a' }),
    force: switchFlag('Stop services that run', { char: 'f' }),
    ignore: switchFlag('Do not mind quadlets that are not there', { char: 'i' }),
    'reload-systemd': switchFlagOn('Have systemd read its units again'),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(QuadletRm)
    if (flags.all === argv.length > 0) throw new TspodError('usage', 'name quadlets, or use --all')
    const { systemd } = await this.engine()
    const options = { ...flags, reload: flags['reload-systemd'] }
    const { removed, errors } = await systemd.removeQuadlets(argv, options)
    for (const name of removed) this.print(name)
    for (const error of errors) this.failed(error)
  }
}
