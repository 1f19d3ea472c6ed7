import { BaseCommand } from '../src/cli/base-command.js'
import { complete } from '../src/cli/completion/complete.js'
import { namesOf } from '../src/cli/completion/names.js'
import { readManifest } from '../src/cli/manifest.js'

export default class Complete extends BaseCommand {
  static override summary = 'Print what can complete a command line, for the scripts of `tspod completion`'
  static override hidden = true

  async run(): Promise<void> {
    // Everything after the command is somebody's unfinished command line: none of it is ours.
    const words = this.argv.length === 0 ? [''] : this.argv
    const { candidates, files } = await complete(words, readManifest(), (kind) => namesOf(kind, () => this.engine()))
    for (const { word, description } of candidates)
      this.print(description === undefined ? word : `${word}\t${description}`)
    if (files) this.print(':files')
  }
}
