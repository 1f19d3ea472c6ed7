import type { Engine } from '../../src/index.js'
import { ContainersCommand } from '../../src/cli/families.js'

export default class ContainerCheckpoint extends ContainersCommand<typeof ContainerCheckpoint> {
  static override summary = 'Say why containers cannot be checkpointed'
  static override usage = 'container checkpoint [OPTION]… CONTAINER…'

  protected override act(engine: Engine, name: string): Promise<never> {
    return engine.containers.checkpoint(name)
  }
}
