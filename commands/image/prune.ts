import { BaseCommand } from '../../src/cli/base-command.js'
import { confirm } from '../../src/cli/prompt.js'
import { listFlag, switchFlag } from '../../src/cli/flags/define.js'

export default class ImagePrune extends BaseCommand {
  static override summary = 'Remove images that nothing uses'
  static override usage = 'image prune [OPTION]…'
  static override positionals = { maximum: 0 }
  static override flags = {
    all: switchFlag('Not only those without a name', { char: 'a' }),
    'build-cache': switchFlag('What cache mounts of builds keep, too'),
    external: switchFlag('Images that containers of other tools use, of which there are none'),
    filter: listFlag((text) => text, 'Only those that match KEY=VALUE', { helpValue: 'FILTER' }),
    force: switchFlag('Do not ask', { char: 'f' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(ImagePrune)
    const what = flags.all ? 'all images without at least one container associated with them' : 'all dangling images'
    if (!flags.force && !(await confirm(`This command removes ${what}.`))) return
    const engine = await this.engine()
    for (const id of await engine.images.prune({ all: flags.all, filters: flags.filter ?? [] })) this.print(id)
    if (!flags['build-cache']) return
    const { removed } = await engine.builds.prune({ all: true, filters: ['type=mount'] })
    for (const id of removed) this.print(id)
  }
}
