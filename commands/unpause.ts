import type { ContainerSummary, Engine } from '../src/index.js'
import { ContainersCommand, filteredFlags } from '../src/cli/families.js'

export default class Unpause extends ContainersCommand<typeof Unpause> {
  static override summary = 'Let the processes of paused containers go on'
  static override usage = 'unpause [OPTION]… CONTAINER…'
  static override aliases = ['container:unpause']
  static override baseFlags = filteredFlags
  static override completes: typeof ContainersCommand.completes = ['running']

  protected override isMeant(container: ContainerSummary): boolean {
    return container.status === 'paused'
  }

  protected override act(engine: Engine, name: string): Promise<void> {
    return engine.containers.unpause(name)
  }
}
