import { BaseCommand } from '../src/cli/base-command.js'
import { latestOr } from '../src/cli/families.js'
import { switchFlag, switchFlagOn, textFlag } from '../src/cli/flags/define.js'
import { parseDetachKeys } from '../src/cli/foreground.js'

export default class Attach extends BaseCommand {
  static override summary = 'Attach to a running container'
  static override usage = 'attach [OPTION]… CONTAINER'
  static override aliases = ['container:attach']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['running']
  static override positionals = { maximum: 1 }
  static override flags = {
    'detach-keys': textFlag('Keys that detach from it', { helpValue: 'KEYS' }),
    latest: switchFlag('To the container created last', { char: 'l' }),
    'no-stdin': switchFlag('Do not attach to its input'),
    'sig-proxy': switchFlagOn('Pass signals on to the command'),
  }

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Attach)
    const engine = await this.engine()
    const [name = ''] = await latestOr(engine, flags.latest, argv)
    const detachKeys = flags['detach-keys']
    const { exitCode } = await engine.containers.attachInPlace(name, {
      stdin: !flags['no-stdin'],
      ...(detachKeys === undefined ? {} : { detachKeys: parseDetachKeys(detachKeys) }),
      ...(this.given('sig-proxy') ? { sigProxy: flags['sig-proxy'] } : {}),
    })
    return exitCode
  }
}
