import { BaseCommand } from '../src/cli/base-command.js'

export default class Mount extends BaseCommand {
  static override summary = "Show where running containers' roots can be seen"
  static override usage = 'mount [CONTAINER…]'
  static override aliases = ['container:mount']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['running']

  async run(): Promise<void> {
    const { argv } = await this.parse(Mount)
    const engine = await this.engine()
    if (argv.length === 0) {
      for (const { id } of await engine.containers.list())
        this.print(`${id.slice(0, 12)}  ${await engine.containers.mount(id)}`)
      return
    }
    for (const name of argv) {
      try {
        this.print(await engine.containers.mount(name))
      } catch (error) {
        this.failed(error)
      }
    }
  }
}
