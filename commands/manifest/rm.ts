import { BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag } from '../../src/cli/flags/define.js'

export default class ManifestRm extends BaseCommand {
  static override summary = 'Remove manifest lists'
  static override usage = 'manifest rm [OPTION]… LIST…'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override exitStatuses = { 'no-such-image': 1 }
  static override positionals = { minimum: 1 }
  static override flags = { ignore: switchFlag('Do not mind lists that are not there', { char: 'i' }) }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ManifestRm)
    const { manifests } = await this.engine()
    const removed = await manifests.rm(argv, flags.ignore)
    for (const name of removed.untagged) this.print(`Untagged: ${name}`)
    for (const id of removed.deleted) this.print(`Deleted: ${id}`)
    for (const error of removed.errors) this.failed(error)
  }
}
