import { BaseCommand } from '../src/cli/base-command.js'
import { containerSpec } from '../src/cli/container-spec.js'
import { attachFlags } from '../src/cli/flags/attach.js'
import { createFlags } from '../src/cli/flags/create.js'
import { foregroundOptions, terminalWarning } from '../src/cli/foreground.js'
import { repeatableRun } from '../src/cli/repeatable.js'

export default class Run extends BaseCommand {
  static override summary = 'Run a command in a new container'
  static override usage = 'run [OPTION]… IMAGE [COMMAND [ARGUMENT…]]'
  static override aliases = ['container:run']
  static override strict = false
  static override fenced = true
  static override completes: typeof BaseCommand.completes = ['image', 'none']
  static override positionals = { minimum: 1 }
  static override flags = { ...createFlags, ...attachFlags }

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Run)
    const repeatable = repeatableRun(this.givenFlags, this.globals)
    const caller = { env: process.env, commandLine: this.commandLine(), given: (name: string) => this.given(name) }
    const warning = terminalWarning(flags)
    if (warning !== undefined) this.warn(warning)
    const spec = containerSpec(flags, argv, caller)
    const engine = await this.engine({ ...this.showProgress(flags.quiet), ...repeatable })
    const { exitCode } = await engine.containers.runInPlace(spec, foregroundOptions(flags, caller))
    return exitCode
  }
}
