import { Args, BaseCommand } from '../../../src/cli/base-command.js'
import { switchFlag } from '../../../src/cli/flags/define.js'
import { formatJson } from '../../../src/cli/output/json.js'
import { formatTable } from '../../../src/cli/output/table.js'

export default class ImageTrustShow extends BaseCommand {
  static override summary = 'Show which images are trusted'
  static override usage = 'image trust show [OPTION]… [NAME]'
  static override completes: typeof BaseCommand.completes = ['none']
  static override args = { name: Args.string({ description: 'A registry, or an image on one' }) }
  static override flags = {
    json: switchFlag('As JSON', { char: 'j' }),
    noheading: switchFlag('Leave out the headings', { char: 'n' }),
    raw: switchFlag('The policy as it is written'),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageTrustShow)
    const { registries } = await this.engine()
    if (flags.raw) {
      this.write(formatJson((await registries.policy()).raw))
      return
    }
    const { rules } = await registries.policy(args.name)
    if (flags.json) this.write(formatJson(rules))
    else
      this.write(
        formatTable(
          [
            { heading: 'TRANSPORT', cell: ({ transport }) => transport },
            { heading: 'NAME', cell: ({ name }) => name },
            { heading: 'TYPE', cell: ({ type }) => type },
          ],
          rules,
          { heading: !flags.noheading },
        ),
      )
  }
}
