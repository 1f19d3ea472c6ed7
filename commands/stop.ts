import type { ContainerSummary, Engine } from '../src/index.js'
import { isMissing } from '../src/cli/containers/missing.js'
import { ContainersCommand, filteredFlags, type FlagsOf } from '../src/cli/families.js'
import { switchFlag, valueFlag } from '../src/cli/flags/define.js'
import { parseInteger } from '../src/cli/parse/value.js'

export default class Stop extends ContainersCommand<typeof Stop> {
  static override summary = 'Stop containers'
  static override usage = 'stop [OPTION]… CONTAINER…'
  static override aliases = ['container:stop']
  static override baseFlags = filteredFlags
  static override completes: typeof ContainersCommand.completes = ['running']
  static override flags = {
    ignore: switchFlag('Containers that do not exist are no error', { char: 'i' }),
    time: valueFlag((text) => parseInteger(text, -1, 2 ** 31 - 1), 'Seconds before SIGKILL; -1 waits for ever', {
      char: 't',
      helpValue: 'SECONDS',
    }),
  }

  protected override isMeant(container: ContainerSummary): boolean {
    return container.status === 'running' || container.status === 'paused'
  }

  protected override isIgnored(error: unknown, flags: FlagsOf<typeof Stop>): boolean {
    return flags.ignore && isMissing(error)
  }

  protected override act(engine: Engine, name: string, flags: FlagsOf<typeof Stop>): Promise<void> {
    return engine.containers.stop(name, flags.time === undefined ? {} : { timeoutSeconds: flags.time })
  }
}
