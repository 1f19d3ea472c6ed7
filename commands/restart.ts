import type { ContainerSummary, Engine } from '../src/index.js'
import { ContainersCommand, filteredFlags, type FlagsOf } from '../src/cli/families.js'
import { switchFlag, valueFlag } from '../src/cli/flags/define.js'
import { parseInteger } from '../src/cli/parse/value.js'

export default class Restart extends ContainersCommand<typeof Restart> {
  static override summary = 'Stop containers and start them again'
  static override usage = 'restart [OPTION]… CONTAINER…'
  static override aliases = ['container:restart']
  static override baseFlags = filteredFlags
  static override flags = {
    running: switchFlag('Only those that run'),
    time: valueFlag((text) => parseInteger(text, -1, 2 ** 31 - 1), 'Seconds before SIGKILL; -1 waits for ever', {
      char: 't',
      helpValue: 'SECONDS',
    }),
  }

  protected override isMeant(container: ContainerSummary, flags: FlagsOf<typeof Restart>): boolean {
    return !flags.running || container.status === 'running'
  }

  protected override act(engine: Engine, name: string, flags: FlagsOf<typeof Restart>): Promise<void> {
    return engine.containers.restart(name, flags.time === undefined ? {} : { timeoutSeconds: flags.time })
  }
}
