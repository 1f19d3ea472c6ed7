import { BaseCommand, Flags } from '../src/cli/base-command.js'
import { infoTemplateData } from '../src/cli/system-views.js'
import { formatJson } from '../src/cli/output/json.js'

export default class Info extends BaseCommand {
  static override summary = 'Show the host, the store and how they are used'
  static override aliases = ['system:info']
  static override flags = {
    format: Flags.string({ char: 'f', summary: 'json, or a Go template' }),
    debug: Flags.boolean({ char: 'D', hidden: true, summary: 'Has no effect' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Info)
    const info = await (await this.engine()).system.info()
    if (flags.format === undefined) {
      const { formatYaml } = await import('../src/cli/output/yaml.js')
      return this.write(formatYaml(info))
    }
    if (flags.format === 'json') return this.write(formatJson(info))
    const { compileTemplate } = await import('../src/cli/output/template.js')
    this.print(compileTemplate(flags.format)(infoTemplateData(info)))
  }
}
