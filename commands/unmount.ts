import { TspodError } from '../src/index.js'
import { latestOr, ManyCommand } from '../src/cli/families.js'
import { switchFlag } from '../src/cli/flags/define.js'

export default class Unmount extends ManyCommand {
  static override summary = 'End what mount began'
  static override usage = 'unmount [OPTION]… CONTAINER…'
  static override aliases = ['umount', 'container:unmount', 'container:umount']
  static override completes: typeof ManyCommand.completes = ['container']
  static override flags = {
    all: switchFlag('All that are mounted', { char: 'a' }),
    force: switchFlag('Does nothing: a container is always unmounted at once', { char: 'f' }),
    latest: switchFlag('The container created last', { char: 'l' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Unmount)
    if (flags.all && argv.length > 0) throw new TspodError('usage', 'when using --all, no container can be named')
    const engine = await this.engine()
    const mounted = flags.all ? [...(await engine.containers.mounted()).keys()] : undefined
    const names = mounted ?? (await latestOr(engine, flags.latest, argv))
    await this.each(names, async (name) => {
      await engine.containers.unmount(name)
    })
  }
}
