import type { Engine } from '../../src/index.js'
import { ExistsCommand } from '../../src/cli/families.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class ContainerExists extends ExistsCommand {
  static override summary = 'Say by the exit status whether a container exists'
  static override usage = 'container exists [OPTION]… CONTAINER'
  static override completes: typeof ExistsCommand.completes = ['container']

  static override flags = { external: switchFlag('Containers of other programs, too: there are none') }

  protected override exists(engine: Engine, name: string): Promise<boolean> {
    return engine.containers.exists(name)
  }
}
