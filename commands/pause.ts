import type { ContainerSummary, Engine } from '../src/index.js'
import { ContainersCommand, filteredFlags } from '../src/cli/families.js'

export default class Pause extends ContainersCommand<typeof Pause> {
  static override summary = 'Let the processes of containers stand still'
  static override usage = 'pause [OPTION]… CONTAINER…'
  static override aliases = ['container:pause']
  static override baseFlags = filteredFlags
  static override completes: typeof ContainersCommand.completes = ['running']

  protected override isMeant(container: ContainerSummary): boolean {
    return container.status === 'running'
  }

  protected override act(engine: Engine, name: string): Promise<void> {
    return engine.containers.pause(name)
  }
}
