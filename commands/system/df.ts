import { BaseCommand } from '../../src/cli/base-command.js'
import { usageColumns, usageRows, verboseUsage } from '../../src/cli/disk-usage.js'
import { switchFlag, textFlag } from '../../src/cli/flags/define.js'
import { formatList } from '../../src/cli/output/list.js'
import { TspodError } from '../../src/index.js'

export default class SystemDf extends BaseCommand {
  static override summary = 'Show what takes how much of the disk'
  static override usage = 'system df [OPTION]…'
  static override positionals = { maximum: 0 }
  static override flags = {
    format: textFlag('json, or a Go template'),
    verbose: switchFlag('Each image, container and volume', { char: 'v' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemDf)
    if (flags.verbose && flags.format !== undefined)
      throw new TspodError('usage', 'cannot combine --format and --verbose flags')
    const usage = await (await this.engine()).system.diskUsage()
    if (flags.verbose) return this.write(verboseUsage(usage, new Date()))
    this.write(
      await formatList(usageRows(usage), { columns: usageColumns, format: flags.format, fields: (row) => row }),
    )
  }
}
