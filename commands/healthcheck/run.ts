import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class HealthcheckRun extends BaseCommand {
  static override summary = "Run a container's health check"
  static override usage = 'healthcheck run [OPTION]… CONTAINER'
  static override completes: typeof BaseCommand.completes = ['running']
  static override positionals = { minimum: 1, maximum: 1 }
  static override flags = {
    'ignore-result': switchFlag('Exit with 0 whatever the check says'),
  }
  static override args = { container: Args.string({ description: 'Container to check', required: true }) }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(HealthcheckRun)
    const { exitCode } = await (await this.engine()).containers.healthcheck(args.container)
    if (exitCode === 0 || flags['ignore-result']) return 0
    // Of this check, as Podman: of the container it may be the first failure of some that it is allowed.
    this.print('unhealthy')
    return 1
  }
}
