import { TspodError, type ContainerSummary, type Engine } from '../src/index.js'
import { ContainersCommand, filteredFlags, type FlagsOf } from '../src/cli/families.js'
import { switchFlag, switchFlagOn, textFlag } from '../src/cli/flags/define.js'

export default class Start extends ContainersCommand<typeof Start> {
  static override summary = 'Start containers'
  static override usage = 'start [OPTION]… CONTAINER…'
  static override aliases = ['container:start']
  static override baseFlags = filteredFlags
  static override flags = {
    attach: switchFlag("Attach to the container's output", { char: 'a' }),
    interactive: switchFlag("Attach to the container's input, too", { char: 'i' }),
    'detach-keys': textFlag('Keys that detach from it', { helpValue: 'KEYS' }),
    'sig-proxy': switchFlagOn('Pass signals on to the command'),
  }

  protected override isMeant(container: ContainerSummary): boolean {
    return container.status !== 'running'
  }

  /** Said once, before anything is started. */
  override async run(): Promise<void> {
    const { flags, argv } = await this.parse(Start)
    const attaches = flags.attach || flags.interactive
    if (attaches && (argv.length > 1 || flags.all))
      throw new TspodError('usage', 'you cannot start and attach multiple containers at once')
    if (!attaches && this.given('sig-proxy') && flags['sig-proxy'])
      throw new TspodError('usage', 'you cannot use --sig-proxy without --attach')
    return super.run()
  }

  protected override async act(engine: Engine, name: string, flags: FlagsOf<typeof Start>): Promise<void> {
    if (!flags.attach && !flags.interactive) return engine.containers.start(name)
    const detachKeys = flags['detach-keys']
    await engine.containers.startInPlace(name, {
      interactive: flags.interactive,
      ...(detachKeys === undefined ? {} : { detachKeys }),
      ...(this.given('sig-proxy') ? { sigProxy: flags['sig-proxy'] } : {}),
    })
  }
}
