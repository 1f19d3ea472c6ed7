import { resolve } from 'node:path'
import { BaseCommand } from '../src/cli/base-command.js'
import { containerSpec } from '../src/cli/container-spec.js'
import { createFlags } from '../src/cli/flags/create.js'
import { asTyped, listFlag } from '../src/cli/flags/define.js'

export default class Create extends BaseCommand {
  static override summary = 'Make a container without starting it'
  static override usage = 'create [OPTION]… IMAGE [COMMAND [ARGUMENT…]]'
  static override aliases = ['container:create']
  static override strict = false
  static override fenced = true
  static override completes: typeof BaseCommand.completes = ['image', 'none']
  static override positionals = { minimum: 1 }
  static override flags = {
    ...createFlags,
    attach: listFlag(asTyped, 'Does nothing before the start, as in Podman', { char: 'a', hidden: true }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Create)
    const caller = { env: process.env, commandLine: this.commandLine(), given: (name: string) => this.given(name) }
    const spec = containerSpec(flags, argv, caller)
    const engine = await this.engine(this.showProgress(flags.quiet))
    const { id, warnings } = await engine.containers.create(
      spec,
      flags.cidfile === undefined ? {} : { cidfile: resolve(flags.cidfile) },
    )
    for (const warning of warnings) this.warn(warning)
    this.print(id)
  }
}
