import { BaseCommand } from '../../src/cli/base-command.js'
import { generateSystemdFlags, generateOptions, printServices } from '../../src/cli/generate-systemd.js'

export default class GenerateSystemd extends BaseCommand {
  static override summary = "Print services of the user's systemd that run containers"
  static override usage = 'generate systemd [OPTION]… CONTAINER…'
  static override strict = false
  static override positionals = { minimum: 1 }
  static override completes: typeof BaseCommand.completes = ['container']
  static override flags = generateSystemdFlags

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(GenerateSystemd)
    const { systemd } = await this.engine()
    const services = []
    for (const name of argv) services.push(await systemd.generate(name, generateOptions(flags, this.globals)))
    await printServices(services, flags, (text) => this.write(text))
  }
}
