import { BaseCommand } from '../src/cli/base-command.js'
import { listFlag, switchFlag, textFlag } from '../src/cli/flags/define.js'
import { platformFlags, platformOption } from '../src/cli/images/registry-flags.js'

export default class Import extends BaseCommand {
  static override summary = 'Make an image of a tar archive'
  static override usage = 'import [OPTION]… FILE|URL|- [NAME]'
  static override aliases = ['image:import']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['file', 'image']
  static override positionals = { minimum: 1, maximum: 2 }
  static override flags = {
    change: listFlag((text) => text, 'Apply an instruction such as CMD=/bin/sh', {
      char: 'c',
      helpValue: 'INSTRUCTION',
    }),
    message: textFlag('Say where it comes from, in its history', { char: 'm', helpValue: 'TEXT' }),
    quiet: switchFlag('Show no progress', { char: 'q' }),
    ...platformFlags,
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Import)
    const [source = '-', reference] = argv
    const engine = await this.engine(this.showProgress(flags.quiet))
    const id = await engine.images.import({
      source: source === '-' ? (process.stdin as AsyncIterable<Uint8Array>) : source,
      ...(reference === undefined ? {} : { reference }),
      changes: flags.change ?? [],
      ...(flags.message === undefined ? {} : { message: flags.message }),
      ...platformOption(flags),
    })
    this.print(`sha256:${id}`)
  }
}
