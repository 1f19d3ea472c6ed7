import type { Engine } from '../../src/index.js'
import { ExistsCommand } from '../../src/cli/families.js'

export default class ContainerExists extends ExistsCommand {
  static override summary = 'Say by the exit status whether a container exists'
  static override usage = 'container exists CONTAINER'
  static override completes: typeof ExistsCommand.completes = ['container']

  protected override exists(engine: Engine, name: string): Promise<boolean> {
    return engine.containers.exists(name)
  }
}
