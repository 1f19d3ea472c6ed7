import type { TrustRule } from '../../../src/index.js'
import { Args, BaseCommand } from '../../../src/cli/base-command.js'
import { switchFlag, textFlag } from '../../../src/cli/flags/define.js'
import { formatJson } from '../../../src/cli/output/json.js'
import { formatTable } from '../../../src/cli/output/table.js'

export default class ImageTrustShow extends BaseCommand {
  static override summary = 'Show which images are trusted'
  static override usage = 'image trust show [OPTION]… [NAME]'
  static override completes: typeof BaseCommand.completes = ['none']
  static override args = { name: Args.string({ description: 'A registry, or an image on one' }) }
  static override flags = {
    json: switchFlag('As JSON', { char: 'j' }),
    policypath: textFlag('Read this file', { hidden: true, helpValue: 'FILE' }),
    noheading: switchFlag('Leave out the headings', { char: 'n' }),
    raw: switchFlag('The policy as it is written'),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageTrustShow)
    const { registries } = await this.engine()
    if (flags.raw) {
      this.write(formatJson((await registries.policy(undefined, flags.policypath)).raw))
      return
    }
    const { rules } = await registries.policy(args.name, flags.policypath)
    if (flags.json) this.write(formatJson(rules.map(ruleJson)))
    else
      this.write(
        formatTable(
          [
            { heading: 'TRANSPORT', cell: ({ transport }) => transport },
            { heading: 'NAME', cell: ({ name }) => name },
            { heading: 'TYPE', cell: ({ type }) => type },
            { heading: 'ID', cell: ({ id = '' }) => id },
            { heading: 'STORE', cell: ({ store = '' }) => store },
          ],
          rules,
          { heading: !flags.noheading },
        ),
      )
  }
}

/** Podman's keys; what is empty is left out. */
function ruleJson({ transport, name, type, id, store }: TrustRule): object {
  const isDefault = transport === 'all'
  return {
    transport,
    ...(name === '' ? {} : { name: isDefault ? '* (default)' : name, repo_name: name }),
    type,
    ...(id === undefined || id === '' ? {} : { gpg_id: id }),
    ...(store === undefined ? {} : { sigstore: store }),
  }
}
