import type { Engine } from '../../src/index.js'
import { PruneCommand } from '../../src/cli/families.js'

export default class VolumePrune extends PruneCommand {
  static override summary = 'Remove volumes that no container uses'
  static override usage = 'volume prune [OPTION]…'
  static override positionals = { maximum: 0 }

  protected override warning(): string {
    return 'This will remove all volumes not used by at least one container.'
  }

  protected override prune(engine: Engine, filters: readonly string[]): Promise<readonly string[]> {
    return engine.volumes.prune(filters)
  }
}
