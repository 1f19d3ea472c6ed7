import { TspodError } from '../../src/base/errors.js'
import { BaseCommand } from '../../src/cli/base-command.js'
import { listFlag, switchFlag, textFlag, valueFlag } from '../../src/cli/flags/define.js'
import { keyValue, type KeyValue } from '../../src/cli/volumes/key-value.js'

export default class VolumeCreate extends BaseCommand {
  static override summary = 'Make a volume'
  static override usage = 'volume create [OPTION]… [VOLUME]'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['none']
  static override positionals = { maximum: 1 }
  static override flags = {
    driver: textFlag('What makes it; only local is there', { char: 'd', helpValue: 'DRIVER' }),
    ignore: switchFlag('A volume of that name is no error'),
    label: listFlag(keyValue, 'Set a label', { char: 'l', helpValue: 'KEY=VALUE' }),
    gid: valueFlag(parseId, 'Group that it belongs to', { helpValue: 'GID' }),
    uid: valueFlag(parseId, 'User that it belongs to', { helpValue: 'UID' }),
    opt: listFlag(keyValue, 'Set an option: type, device or o', { char: 'o', helpValue: 'KEY=VALUE' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(VolumeCreate)
    const [name] = argv
    const engine = await this.engine()
    const made = await engine.volumes.create({
      ...(name === undefined ? {} : { name }),
      ...(flags.driver === undefined ? {} : { driver: flags.driver }),
      labels: entries(flags.label),
      options: entries(flags.opt),
      ignore: flags.ignore,
      ...(flags.uid === undefined ? {} : { uid: flags.uid }),
      ...(flags.gid === undefined ? {} : { gid: flags.gid }),
    })
    this.print(made)
  }
}

function parseId(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new TspodError('usage', `${JSON.stringify(text)} is no ID`)
}

function entries(pairs: readonly KeyValue[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs)
}
