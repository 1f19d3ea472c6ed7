import { BaseCommand } from '../../src/cli/base-command.js'
import { confirm } from '../../src/cli/prompt.js'
import { asTyped, listFlag, switchFlag } from '../../src/cli/flags/define.js'
import { TspodError } from '../../src/index.js'
import { humanSize } from '../../src/cli/output/units.js'

export default class SystemPrune extends BaseCommand {
  static override summary = 'Remove all that nothing uses'
  static override usage = 'system prune [OPTION]…'
  static override positionals = { maximum: 0 }
  static override flags = {
    all: switchFlag('Images that no container uses, whatever their names', { char: 'a' }),
    build: switchFlag('What builds that were killed have left, which goes in any case'),
    external: switchFlag('Nothing but containers of other tools, of which there are none'),
    filter: listFlag(asTyped, 'Only those that match KEY=VALUE', { helpValue: 'FILTER' }),
    force: switchFlag('Do not ask', { char: 'f' }),
    volumes: switchFlag('Volumes that no container uses, too'),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemPrune)
    if (flags.external) return this.#external(flags.all || flags.volumes || flags.build || flags.filter !== undefined)
    const victims = [
      'all stopped containers',
      ...(flags.volumes ? ['all volumes not used by at least one container'] : []),
      flags.all ? 'all images without at least one container associated with them' : 'all dangling images',
      ...((flags.filter ?? []).length > 0 ? [] : [flags.all ? 'all build cache' : 'unused build cache']),
    ]
    const warning = `This command removes:\n${victims.map((line) => `\t- ${line}`).join('\n')}\n`
    if (!flags.force && !(await confirm(warning))) return
    const pruned = await (
      await this.engine()
    ).system.prune({ all: flags.all, volumes: flags.volumes, filters: flags.filter ?? [] })
    this.#section('Deleted Containers', pruned.containers)
    this.#section('Deleted Volumes', pruned.volumes)
    this.#section('Deleted Images', pruned.images)
    this.#section('Deleted build cache objects', pruned.builds)
    this.print(`Total reclaimed space: ${humanSize(pruned.reclaimedBytes)}`)
  }

  /** The store is nobody else's. */
  #external(others: boolean): void {
    if (others) throw new TspodError('usage', '--external cannot be combined with other options')
    this.print(`Total reclaimed space: ${humanSize(0)}`)
  }

  #section(heading: string, names: readonly string[]): void {
    if (names.length > 0) this.print([heading, ...names].join('\n'))
  }
}
