import { BaseCommand } from '../../src/cli/base-command.js'
import { confirm } from '../../src/cli/prompt.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class SystemReset extends BaseCommand {
  static override summary = 'Remove everything: containers, images, volumes, networks'
  static override usage = 'system reset [OPTION]…'
  static override positionals = { maximum: 0 }
  static override flags = { force: switchFlag('Do not ask', { char: 'f' }) }

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemReset)
    const engine = await this.engine()
    const { graphroot, runroot } = engine.context.paths
    const victims = ['all containers', 'all images', 'all volumes', 'all networks', graphroot, runroot]
    const warning = `This will remove:\n${victims.map((line) => `        - ${line}`).join('\n')}\n`
    if (!flags.force && !(await confirm(warning))) return
    await engine.system.reset()
  }
}
