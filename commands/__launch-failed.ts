import { Args, BaseCommand } from '../src/cli/base-command.js'

export default class LaunchFailed extends BaseCommand {
  static override summary = 'Say why a container could not be started, and clear up; called by tspod-runtime'
  static override hidden = true
  static override args = { id: Args.string({ description: 'The container', required: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(LaunchFailed)
    const engine = await this.engine()
    await engine.containers.launchFailed(args.id, process.env['TSPOD_LAUNCH_ERROR'])
  }
}
