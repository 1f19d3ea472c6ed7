import type { ContainerSummary, Engine } from '../../src/index.js'
import { ContainersCommand, type FlagsOf } from '../../src/cli/families.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class ContainerCleanup extends ContainersCommand<typeof ContainerCleanup> {
  static override summary = 'Clear what stopped containers have left'
  static override usage = 'container cleanup [OPTION]… CONTAINER…'
  static override flags = {
    rm: switchFlag('Remove the container'),
    rmi: switchFlag('Remove the container and its image'),
  }

  protected override isMeant(container: ContainerSummary): boolean {
    return container.status === 'created' || container.status === 'exited'
  }

  protected override async act(
    engine: Engine,
    name: string,
    { rm, rmi }: FlagsOf<typeof ContainerCleanup>,
  ): Promise<void> {
    await engine.containers.cleanup(name, { remove: rm, removeImage: rmi })
  }
}
