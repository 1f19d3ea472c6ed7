import type { Engine } from '../../src/index.js'
import { ContainersCommand } from '../../src/cli/families.js'
import { unsupported } from '../../src/cli/flags/unsupported.js'

const reason = 'checkpoints: CRIU needs the right to trace all of a container, which no ordinary user has'

export default class ContainerCheckpoint extends ContainersCommand<typeof ContainerCheckpoint> {
  static override summary = 'Say why containers cannot be checkpointed'
  static override usage = 'container checkpoint [OPTION]… CONTAINER…'
  static override flags = unsupported({
    compress: reason,
    'create-image': reason,
    export: reason,
    'file-locks': reason,
    'ignore-rootfs': reason,
    'ignore-volumes': reason,
    keep: reason,
    'leave-running': reason,
    'pre-checkpoint': reason,
    'print-stats': reason,
    'tcp-established': reason,
    'with-previous': reason,
  })

  protected override act(engine: Engine, name: string): Promise<never> {
    return engine.containers.checkpoint(name)
  }
}
