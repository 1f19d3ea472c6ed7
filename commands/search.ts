import { Args, BaseCommand } from '../src/cli/base-command.js'
import { listFlag, switchFlag, textFlag, valueFlag } from '../src/cli/flags/define.js'
import { parseNumber } from '../src/cli/images/numbers.js'
import { registryAccess, registryFlags, withPassword } from '../src/cli/images/registry-flags.js'
import { searchLayout, tagLayout } from '../src/cli/images/search-view.js'
import { formatList } from '../src/cli/output/list.js'

export default class Search extends BaseCommand {
  static override summary = 'Search registries for images'
  static override usage = 'search [OPTION]… TERM'
  static override aliases = ['image:search']
  static override completes: typeof BaseCommand.completes = ['none']
  static override args = { term: Args.string({ description: 'Part of a name', required: true }) }
  static override flags = {
    compatible: switchFlag('Show stars, and whether it is official or automated, too'),
    filter: listFlag((text) => text, 'Only those that match KEY=VALUE', { char: 'f', helpValue: 'FILTER' }),
    format: textFlag('json, or a Go template', { helpValue: 'FORMAT' }),
    limit: valueFlag(parseNumber, 'At most so many of each registry', { helpValue: 'N' }),
    'list-tags': switchFlag('List the tags of a repository'),
    'no-trunc': switchFlag('Show whole descriptions'),
    ...registryFlags,
  }

  async run(): Promise<void> {
    const { args, flags: given } = await this.parse(Search)
    const flags = await withPassword(given)
    const { registries } = await this.engine()
    const options = {
      ...registryAccess(flags, (flag) => this.given(flag)),
      ...(flags.limit === undefined ? {} : { limit: flags.limit }),
      filters: flags.filter ?? [],
    }
    const { format } = flags
    if (flags['list-tags']) {
      const { name, tags } = await registries.tags(args.term, options)
      if (format === 'json') this.write(await formatList([{ name, tags }], { ...tagLayout, columns: [], format }))
      else
        this.write(
          await formatList(
            tags.map((tag) => ({ name, tags: [tag] })),
            { ...tagLayout, format },
          ),
        )
      return
    }
    const results = await registries.search(args.term, options)
    const layout = searchLayout({ compatible: flags.compatible, noTrunc: flags['no-trunc'] })
    this.write(await formatList(results, { ...layout, format }))
  }
}
