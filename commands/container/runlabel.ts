import { BaseCommand } from '../../src/cli/base-command.js'
import { runLabelCommand } from '../../src/cli/containers/run-label.js'
import { switchFlag, textFlag } from '../../src/cli/flags/define.js'
import { registryAccess, registryFlags, withPassword } from '../../src/cli/images/registry-flags.js'
import { TspodError } from '../../src/index.js'

export default class ContainerRunlabel extends BaseCommand {
  static override summary = 'Run the command that a label of an image has'
  static override usage = 'container runlabel [OPTION]… LABEL IMAGE [ARGUMENT…]'
  static override strict = false
  static override fenced = true
  static override completes: typeof BaseCommand.completes = ['none', 'image', 'none']
  static override positionals = { minimum: 2 }
  static override flags = {
    display: switchFlag('Show the command, do not run it'),
    name: textFlag('What NAME stands for', { char: 'n' }),
    quiet: switchFlag('Do not show the command', { char: 'q' }),
    replace: switchFlag('Replace a container of the same name'),
    ...registryFlags,
  }

  async run(): Promise<number> {
    const { flags: given, argv } = await this.parse(ContainerRunlabel)
    const flags = await withPassword(given)
    const [label = '', image = '', ...more] = argv
    const { images } = await this.engine(this.showProgress(flags.quiet))
    if (!(await images.exists(image)))
      await images.pull(
        image,
        registryAccess(flags, (flag) => this.given(flag)),
      )
    const { Config } = await images.inspect(image)
    const words = runLabelCommand(Config.Labels ?? {}, { label, image, more, name: flags.name, env: process.env })
    if (flags.replace && /^(run|create)$/.test(words[0] ?? '')) words.splice(1, 0, '--replace')
    if (flags.display || !flags.quiet) this.print(`command: tspod ${words.join(' ')}`)
    return flags.display ? 0 : this.#become(words)
  }

  /** Goes on as if the words had been typed, with the global options that were. */
  async #become(words: readonly string[]): Promise<number> {
    const { main } = await import('../../src/cli/main.js')
    if (this.program === undefined) throw new TspodError('internal', 'a command without its program')
    const globals = Object.entries(this.globals).map(([name, value]) => `--${name}=${value}`)
    await main([...globals, ...words], this.program)
    return Number(process.exitCode ?? 0)
  }
}
