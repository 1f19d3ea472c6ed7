import { formatJson } from '../../src/cli/output/json.js'
import { BaseCommand } from '../../src/cli/base-command.js'

export default class ArtifactInspect extends BaseCommand {
  static override summary = 'Show everything known about artifacts'
  static override usage = 'artifact inspect ARTIFACT…'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['none']
  static override positionals = { minimum: 1 }

  async run(): Promise<void> {
    const { argv } = await this.parse(ArtifactInspect)
    const { artifacts } = await this.engine()
    for (const name of argv) {
      try {
        this.write(formatJson(await artifacts.inspect(name)))
      } catch (error) {
        this.failed(error)
      }
    }
  }
}
