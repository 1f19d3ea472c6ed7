import type { ContainerSummary, Engine } from '../../src/index.js'
import { ContainersCommand } from '../../src/cli/families.js'

export default class ContainerInit extends ContainersCommand<typeof ContainerInit> {
  static override summary = 'Make all of containers but their commands, which wait for start'
  static override usage = 'container init [OPTION]… CONTAINER…'
  static override aliases = ['init']

  protected override isMeant(container: ContainerSummary): boolean {
    return container.status === 'created' || container.status === 'exited'
  }

  protected override async act(engine: Engine, name: string): Promise<void> {
    await engine.containers.init(name)
  }
}
