import type { ContainerSummary, Engine } from '../src/index.js'
import { ContainersCommand, type FlagsOf } from '../src/cli/families.js'
import { textFlag } from '../src/cli/flags/define.js'

export default class Kill extends ContainersCommand<typeof Kill> {
  static override summary = 'Send a signal to containers'
  static override usage = 'kill [OPTION]… CONTAINER…'
  static override aliases = ['container:kill']
  static override completes: typeof ContainersCommand.completes = ['running']
  static override flags = {
    signal: textFlag('The signal; without, KILL', { char: 's', helpValue: 'SIGNAL' }),
  }

  protected override isMeant(container: ContainerSummary): boolean {
    return container.status === 'running' || container.status === 'paused'
  }

  protected override act(engine: Engine, name: string, flags: FlagsOf<typeof Kill>): Promise<void> {
    return engine.containers.kill(name, flags.signal ?? 'KILL')
  }
}
