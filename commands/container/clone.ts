import { Args, BaseCommand } from '../../src/cli/base-command.js'
import { resourcesOf } from '../../src/cli/container-spec.js'
import { switchFlag, textFlag } from '../../src/cli/flags/define.js'
import { resourceFlags } from '../../src/cli/flags/resources.js'
import { unsupported } from '../../src/cli/flags/unsupported.js'

const { cgroups: _mode, 'cgroup-parent': _parent, 'cgroup-conf': _conf, ...limitFlags } = resourceFlags

export default class ContainerClone extends BaseCommand {
  static override summary = 'Make a container like another one'
  static override usage = 'container clone [OPTION]… CONTAINER [NAME [IMAGE]]'
  static override completes: typeof BaseCommand.completes = ['container', 'none', 'image']
  static override positionals = { minimum: 1, maximum: 3 }
  static override flags = {
    ...limitFlags,
    ...unsupported({
      'blkio-weight-device': 'a weight for a single device',
      pod: 'pods, which come with a later version',
    }),
    destroy: switchFlag('Remove the original'),
    force: switchFlag('With --destroy: even if it runs', { char: 'f' }),
    name: textFlag('Name of the new one'),
    run: switchFlag('Start the new one'),
  }
  static override args = {
    container: Args.string({ description: 'Container to clone', required: true }),
    name: Args.string({ description: 'Name of the new one' }),
    image: Args.string({ description: 'Its image' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ContainerClone)
    const engine = await this.engine()
    const name = flags.name ?? args.name
    const { id, warnings } = await engine.containers.clone(args.container, {
      ...(name === undefined ? {} : { name }),
      ...(args.image === undefined ? {} : { image: args.image }),
      resources: resourcesOf(flags),
      destroy: flags.destroy,
      force: flags.force,
    })
    for (const warning of warnings) this.warn(warning)
    if (flags.run) await engine.containers.start(id)
    this.print(id)
  }
}
