import { Args, BaseCommand } from '../src/cli/base-command.js'
import { switchFlag } from '../src/cli/flags/define.js'
import { TspodError } from '../src/index.js'

export default class LaunchFailed extends BaseCommand {
  static override summary = 'Say why a container could not be started, and clear up; called by tspod-runtime'
  static override hidden = true
  static override flags = { 'of-start': switchFlag('It was made before, by another command') }
  static override args = { id: Args.string({ description: 'The container', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LaunchFailed)
    const engine = await this.engine()
    try {
      await engine.containers.launchFailed(args.id, process.env['TSPOD_LAUNCH_ERROR'])
    } catch (error) {
      /* 126 and 127 are of `run` and `exec`. */
      if (flags['of-start'] && error instanceof TspodError) throw new TspodError('launch-failed', error.message)
      throw error
    }
  }
}
