import { TspodError } from '../../src/index.js'
import { ManyCommand } from '../../src/cli/families.js'
import { switchFlag, valueFlag } from '../../src/cli/flags/define.js'
import { parseInteger } from '../../src/cli/parse/value.js'

export default class VolumeRm extends ManyCommand {
  static override summary = 'Remove volumes'
  static override usage = 'volume rm [OPTION]… VOLUME…'
  static override aliases = ['volume:remove']
  static override completes: typeof ManyCommand.completes = ['volume']
  static override exitStatuses = { 'no-such-volume': 1, 'volume-in-use': 2 } as const
  static override flags = {
    all: switchFlag('Remove all volumes', { char: 'a' }),
    force: switchFlag('Remove the containers that use it, too', { char: 'f' }),
    time: valueFlag((text) => parseInteger(text, -1, 2 ** 31 - 1), 'With --force: seconds before SIGKILL', {
      char: 't',
      helpValue: 'SECONDS',
    }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(VolumeRm)
    if (flags.all && argv.length > 0) throw new TspodError('usage', 'no volume may be named with --all')
    if (!flags.all && argv.length === 0) throw new TspodError('usage', 'name a volume, or use --all')
    const engine = await this.engine()
    const names = flags.all ? (await engine.volumes.list()).map(({ Name }) => Name) : argv
    const options = { force: flags.force, ...(flags.time === undefined ? {} : { timeoutSeconds: flags.time }) }
    for (const name of names) {
      try {
        this.print(await engine.volumes.remove(name, options))
      } catch (error) {
        const isMissing = error instanceof TspodError && error.code === 'no-such-volume'
        if (!flags.force || !isMissing) this.failed(error)
      }
    }
  }
}
