import { ManyCommand } from '../../src/cli/families.js'

export default class VolumeMount extends ManyCommand {
  static override summary = 'Say where the files of volumes are'
  static override usage = 'volume mount VOLUME…'
  static override completes: typeof ManyCommand.completes = ['volume']
  static override positionals = { minimum: 1 }

  async run(): Promise<void> {
    const { argv } = await this.parse(VolumeMount)
    const engine = await this.engine()
    await this.each(argv, (name) => engine.volumes.mount(name))
  }
}
