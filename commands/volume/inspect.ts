import { TspodError } from '../../src/index.js'
import { InspectCommand } from '../../src/cli/families.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class VolumeInspect extends InspectCommand {
  static override summary = 'Show everything known about volumes'
  static override usage = 'volume inspect [OPTION]… VOLUME…'
  static override completes: typeof InspectCommand.completes = ['volume']
  static override strict = false
  static override flags = { all: switchFlag('Of all volumes', { char: 'a' }) }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(VolumeInspect)
    if (flags.all && argv.length > 0) throw new TspodError('usage', 'no volume may be named with --all')
    if (!flags.all && argv.length === 0) throw new TspodError('usage', 'name a volume, or use --all')
    const engine = await this.engine()
    const names = flags.all ? (await engine.volumes.list()).map(({ Name }) => Name) : argv
    await this.printInspected(names, flags.format, (name) => engine.volumes.inspect(name))
  }
}
