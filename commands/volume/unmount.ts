import { ManyCommand } from '../../src/cli/families.js'

export default class VolumeUnmount extends ManyCommand {
  static override summary = 'End what volume mount began'
  static override usage = 'volume unmount VOLUME…'
  static override aliases = ['volume:umount']
  static override completes: typeof ManyCommand.completes = ['volume']
  static override positionals = { minimum: 1 }

  async run(): Promise<void> {
    const { argv } = await this.parse(VolumeUnmount)
    const engine = await this.engine()
    await this.each(argv, async (name) => (await engine.volumes.inspect(name)).Name)
  }
}
