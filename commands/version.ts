import { BaseCommand, Flags } from '../src/cli/base-command.js'
import { versionText, versionView } from '../src/cli/system-views.js'
import { formatJson } from '../src/cli/output/json.js'

export default class Version extends BaseCommand {
  static override summary = 'Show the version of tspod and of what it runs on'
  static override flags = {
    format: Flags.string({ char: 'f', summary: 'json, or a Go template' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Version)
    const view = versionView(await (await this.engine()).system.version())
    if (flags.format === undefined) return this.write(versionText(view.Client))
    if (flags.format === 'json') return this.write(formatJson(view))
    const { compileTemplate } = await import('../src/cli/output/template.js')
    this.print(compileTemplate(flags.format)(view))
  }
}
