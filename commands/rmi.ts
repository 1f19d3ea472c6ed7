import { TspodError } from '../src/base/errors.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { switchFlag } from '../src/cli/flags/define.js'

export default class Rmi extends BaseCommand {
  static override summary = 'Remove images'
  static override usage = 'rmi [OPTION]… IMAGE…'
  static override aliases = ['image:rm', 'image:remove']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override exitStatuses = { 'no-such-image': 1, 'image-in-use': 2 }
  static override flags = {
    all: switchFlag('Remove every image', { char: 'a' }),
    force: switchFlag('Remove all its names and the containers that use it', { char: 'f' }),
    ignore: switchFlag('Do not mind images that are not there', { char: 'i' }),
    'no-prune': switchFlag('Keep nameless parents'),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Rmi)
    if (flags.all && argv.length > 0)
      throw new TspodError('usage', 'when using the --all switch, you may not pass any images names or IDs')
    if (!flags.all && argv.length === 0) throw new TspodError('usage', 'image name or ID must be specified')
    const engine = await this.engine()
    const removed = await engine.images.remove(argv, {
      all: flags.all,
      force: flags.force,
      // As in Podman: who forces it does not mind that it is gone.
      ignore: flags.ignore || flags.force,
      noPrune: flags['no-prune'],
    })
    for (const name of removed.untagged) this.print(`Untagged: ${name}`)
    for (const id of removed.deleted) this.print(`Deleted: ${id}`)
    for (const error of removed.errors) this.failed(error)
  }
}
