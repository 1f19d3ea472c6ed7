import { BaseCommand } from '../../src/cli/base-command.js'
import { confirm } from '../../src/cli/prompt.js'
import { asTyped, listFlag, switchFlag, valueFlag } from '../../src/cli/flags/define.js'
import { humanSize } from '../../src/cli/output/units.js'
import { parseSize } from '../../src/cli/parse/value.js'

export default class BuildPrune extends BaseCommand {
  static override summary = 'Remove what builds have kept for later ones'
  static override usage = 'build prune [OPTION]…'
  static override aliases = ['builder:prune', 'buildx:prune']
  static override positionals = { maximum: 0 }
  static override flags = {
    all: switchFlag('Also what was used lately', { char: 'a' }),
    filter: listFlag(asTyped, 'Only those that match KEY=VALUE', { helpValue: 'FILTER' }),
    force: switchFlag('Do not ask', { char: 'f' }),
    'keep-storage': valueFlag(parseSize, 'Keep so much of what was used last', {
      aliases: ['reserved-space'],
      helpValue: 'SIZE',
    }),
    'build-cache': switchFlag('Does nothing: cache mounts are always among them', { hidden: true }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(BuildPrune)
    const what = flags.all ? 'the whole build cache' : 'the steps in the build cache that nothing needs'
    if (!flags.force && !(await confirm(`This command removes ${what}.`))) return
    const keepStorage = flags['keep-storage']
    const { removed, reclaimed } = await (
      await this.engine()
    ).builds.prune({
      all: flags.all,
      filters: flags.filter ?? [],
      ...(keepStorage === undefined ? {} : { keepStorage }),
    })
    for (const id of removed) this.print(id)
    this.print(`Total reclaimed space: ${humanSize(reclaimed)}`)
  }
}
