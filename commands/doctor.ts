import { BaseCommand, Flags } from '../src/cli/base-command.js'
import { checksText } from '../src/cli/system-views.js'
import { formatJson } from '../src/cli/output/json.js'

export default class Doctor extends BaseCommand {
  static override summary = 'Check what the host has of all that tspod needs, and say what to type'
  static override aliases = ['system:doctor']
  static override flags = {
    format: Flags.string({ summary: 'json', options: ['json'] }),
    quiet: Flags.boolean({ char: 'q', summary: 'Show only what is missing or limited' }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Doctor)
    const checks = await (await this.engine()).system.check()
    const shown = flags.quiet ? checks.filter(({ state }) => state === 'missing' || state === 'limited') : checks
    this.write(flags.format === 'json' ? formatJson(shown) : checksText(shown))
    return checks.some(({ state }) => state === 'missing') ? 1 : 0
  }
}
