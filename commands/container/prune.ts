import type { Engine } from '../../src/index.js'
import { PruneCommand } from '../../src/cli/families.js'

export default class ContainerPrune extends PruneCommand {
  static override summary = 'Remove all containers that do not run'
  static override usage = 'container prune [OPTION]…'

  protected override warning(): string {
    return 'This will remove all non running containers.'
  }

  protected override prune(engine: Engine, filters: readonly string[]): Promise<readonly string[]> {
    return engine.containers.prune(filters)
  }
}
