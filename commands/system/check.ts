import { BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag } from '../../src/cli/flags/define.js'
import { unsupported } from '../../src/cli/flags/unsupported.js'

export default class SystemCheck extends BaseCommand {
  static override summary = 'Look for damage in the store'
  static override usage = 'system check [OPTION]…'
  static override positionals = { maximum: 0 }
  static override flags = {
    force: switchFlag('With --repair: remove damaged containers', { char: 'f' }),
    quick: switchFlag('Do not read what is in blobs', { char: 'q' }),
    ...unsupported({ max: 'an age of unused layers: they are no damage here' }),
    repair: switchFlag('Remove what is damaged, and fetch it again', { char: 'r' }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(SystemCheck)
    const damages = await (await this.engine()).system.checkStore(flags)
    for (const { kind, name, problem, repaired } of damages)
      this.print(`${kind} ${name}: ${problem}${repaired ? ' (repaired)' : ''}`)
    const left = damages.filter(({ repaired }) => !repaired)
    if (left.length === 0) return 0
    const isContainer = left.some(({ kind }) => kind === 'container')
    this.notice(
      flags.repair
        ? `damage is left in the store${isContainer && !flags.force ? ': --force removes damaged containers' : ''}`
        : 'damage detected in the store: --repair removes it',
    )
    return 125
  }
}
