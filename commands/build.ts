import { BaseCommand } from '../src/cli/base-command.js'
import { buildCaller } from '../src/cli/build/input.js'
import { buildRequest } from '../src/cli/build/request.js'
import { runBuild, runCheck, viewOptions } from '../src/cli/build/run.js'
import { buildFlags } from '../src/cli/flags/build.js'
import { withPassword } from '../src/cli/images/registry-flags.js'

export default class Build extends BaseCommand {
  static override summary = 'Build an image from a Dockerfile'
  static override usage = 'build [OPTION]… [CONTEXT]'
  static override aliases = ['image:build', 'buildx:build', 'builder:build']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['file']
  static override positionals = { maximum: 1 }
  static override flags = buildFlags

  async run(): Promise<number> {
    const { flags: given, argv } = await this.parse(Build)
    const flags = await withPassword(given)
    const view = viewOptions(flags, process.env)
    const caller = buildCaller((flag) => this.given(flag))
    const request = await buildRequest(flags, argv, caller)
    const engine = await this.engine()
    if (flags.check || (flags.call ?? 'build') !== 'build') return runCheck(engine, request)
    return runBuild(engine, request, view)
  }
}
