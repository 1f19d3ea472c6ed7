import type { Engine } from '../../src/index.js'
import { ExistsCommand } from '../../src/cli/families.js'

export default class ImageExists extends ExistsCommand {
  static override summary = 'Say by the exit status whether an image is here'
  static override usage = 'image exists IMAGE'
  static override completes: typeof ExistsCommand.completes = ['image']

  protected override exists(engine: Engine, name: string): Promise<boolean> {
    return engine.images.exists(name)
  }
}
