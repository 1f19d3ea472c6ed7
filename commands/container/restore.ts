import type { Engine } from '../../src/index.js'
import { ContainersCommand } from '../../src/cli/families.js'
import { unsupported } from '../../src/cli/flags/unsupported.js'

const reason = 'checkpoints: CRIU needs the right to make all of a container, which no ordinary user has'

export default class ContainerRestore extends ContainersCommand<typeof ContainerRestore> {
  static override summary = 'Say why containers cannot be restored'
  static override usage = 'container restore [OPTION]… CONTAINER…'
  static override flags = unsupported({
    'file-locks': reason,
    'ignore-rootfs': reason,
    'ignore-static-ip': reason,
    'ignore-static-mac': reason,
    'ignore-volumes': reason,
    import: reason,
    'import-previous': reason,
    keep: reason,
    name: reason,
    pod: reason,
    'print-stats': reason,
    publish: reason,
    'tcp-established': reason,
  })

  protected override act(engine: Engine, name: string): Promise<never> {
    return engine.containers.restore(name)
  }
}
