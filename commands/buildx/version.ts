import { BaseCommand } from '../../src/cli/base-command.js'

export default class BuildxVersion extends BaseCommand {
  static override summary = 'Say which program builds'
  static override usage = 'buildx version'
  static override aliases = ['builder:version']
  static override positionals = { maximum: 0 }

  async run(): Promise<void> {
    await this.parse(BuildxVersion)
    this.print(`tspod ${this.config.version}`)
  }
}
