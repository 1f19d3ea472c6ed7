import { BaseCommand } from '../../src/cli/base-command.js'

export default class VolumeImport extends BaseCommand {
  static override summary = 'Put the files of a tar archive into a volume'
  static override usage = 'volume import VOLUME FILE|-'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['volume', 'file']
  static override positionals = { minimum: 2, maximum: 2 }

  async run(): Promise<void> {
    const { argv } = await this.parse(VolumeImport)
    const [volume = '', source = '-'] = argv
    const engine = await this.engine()
    await engine.volumes.import(volume, source === '-' ? (process.stdin as AsyncIterable<Uint8Array>) : source)
  }
}
