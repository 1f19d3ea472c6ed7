import type { Engine } from '../src/index.js'
import { isMissing } from '../src/cli/containers/missing.js'
import { ContainersCommand, type FlagsOf } from '../src/cli/families.js'
import { switchFlag, valueFlag } from '../src/cli/flags/define.js'
import { parseInteger } from '../src/cli/parse/value.js'

export default class Rm extends ContainersCommand<typeof Rm> {
  static override summary = 'Remove containers'
  static override usage = 'rm [OPTION]… CONTAINER…'
  static override aliases = ['container:rm']
  static override exitStatuses = { 'no-such-container': 1, 'container-running': 2 } as const
  static override flags = {
    depend: switchFlag('Remove containers that share its namespaces, too'),
    force: switchFlag('Kill it first if it runs', { char: 'f' }),
    ignore: switchFlag('Containers that do not exist are no error', { char: 'i' }),
    time: valueFlag((text) => parseInteger(text, -1, 2 ** 31 - 1), 'With --force: seconds before SIGKILL', {
      char: 't',
      helpValue: 'SECONDS',
    }),
    volumes: switchFlag('Remove its anonymous volumes, too', { char: 'v' }),
  }

  /** What went before another that was named. */
  private readonly gone: { readonly id: string; readonly name: string }[] = []

  protected override isIgnored(error: unknown, flags: FlagsOf<typeof Rm>): boolean {
    return (flags.ignore || flags.force) && isMissing(error)
  }

  protected override finish(engine: Engine): Promise<void> {
    return engine.containers.removed()
  }

  protected override async act(
    engine: Engine,
    name: string,
    flags: FlagsOf<typeof Rm>,
    names: readonly string[],
  ): Promise<void> {
    const { gone } = this
    try {
      await engine.containers.remove(name, {
        force: flags.force,
        volumes: flags.volumes,
        depend: flags.depend,
        alongside: { names, gone },
        ofMany: true,
        ...(flags.time === undefined ? {} : { timeoutSeconds: flags.time }),
      })
    } catch (error) {
      if (!isMissing(error) || !gone.some((other) => other.name === name || other.id.startsWith(name))) throw error
    }
  }
}
