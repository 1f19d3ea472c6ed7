import type { Engine } from '../../src/index.js'
import { ExistsCommand } from '../../src/cli/families.js'

export default class VolumeExists extends ExistsCommand {
  static override summary = 'Say by the exit status whether a volume exists'
  static override usage = 'volume exists VOLUME'
  static override completes: typeof ExistsCommand.completes = ['volume']

  protected override exists(engine: Engine, name: string): Promise<boolean> {
    return engine.volumes.exists(name)
  }
}
