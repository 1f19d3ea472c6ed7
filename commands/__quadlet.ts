import { TspodError } from '../src/base/errors.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag } from '../src/cli/flags/define.js'
import { quadletOptions } from '../src/cli/quadlets.js'

export default class Quadlet extends BaseCommand {
  static override summary = "Make services from quadlets; called by systemd's user generator"
  static override hidden = true
  static override strict = false
  static override flags = { dryrun: switchFlag('Print the services instead') }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Quadlet)
    const [folder] = argv
    if (folder === undefined && !flags.dryrun)
      throw new TspodError('usage', 'a folder for the services is missing; --dryrun prints them')
    const { systemd } = await this.engine()
    const report = await systemd.quadlets(quadletOptions())
    if (flags.dryrun) for (const { name, text } of report.services) this.write(`---${name}---\n${text}\n`)
    else await systemd.writeQuadlets(report, folder ?? '')
    for (const error of report.errors) this.failed(error)
  }
}
