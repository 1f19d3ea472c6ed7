import type { Engine } from '../../src/index.js'
import { ContainersCommand } from '../../src/cli/families.js'

export default class ContainerRestore extends ContainersCommand<typeof ContainerRestore> {
  static override summary = 'Say why containers cannot be restored'
  static override usage = 'container restore [OPTION]… CONTAINER…'

  protected override act(engine: Engine, name: string): Promise<never> {
    return engine.containers.restore(name)
  }
}
