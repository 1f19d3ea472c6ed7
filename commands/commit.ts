import { writeFileSync } from 'node:fs'
import { TspodError } from '../src/index.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { asTyped, listFlag, switchFlag, textFlag } from '../src/cli/flags/define.js'
import { unsupported } from '../src/cli/flags/unsupported.js'

export default class Commit extends BaseCommand {
  static override summary = 'Make an image of a container'
  static override usage = 'commit [OPTION]… CONTAINER [IMAGE]'
  static override aliases = ['container:commit']
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['container', 'image']
  static override positionals = { minimum: 1, maximum: 2 }
  static override flags = {
    author: textFlag('Say who made it', { char: 'a', helpValue: 'NAME' }),
    change: listFlag(asTyped, 'Apply an instruction such as CMD=/bin/sh', { char: 'c', helpValue: 'INSTRUCTION' }),
    format: textFlag('Form of the manifest', { char: 'f', options: ['oci', 'docker'] }),
    iidfile: textFlag('Write the ID of the image to this file', { helpValue: 'FILE' }),
    ...unsupported({ config: 'a configuration in a file; use --change' }),
    'include-volumes': switchFlag("Make the container's volumes the image's"),
    message: textFlag('Say what it is, in its history', { char: 'm', helpValue: 'TEXT' }),
    pause: switchFlag('Pause the container meanwhile', { char: 'p' }),
    quiet: switchFlag('Show no progress', { char: 'q' }),
    squash: switchFlag('Put everything into one layer', { char: 's' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Commit)
    const [container = '', reference] = argv
    const engine = await this.engine()
    const id = await engine.containers.commit(container, {
      ...(reference === undefined ? {} : { reference }),
      ...(flags.author === undefined ? {} : { author: flags.author }),
      ...(flags.message === undefined ? {} : { message: flags.message }),
      changes: flags.change ?? [],
      format: flags.format === 'docker' ? 'docker' : 'oci',
      includeVolumes: flags['include-volumes'],
      pause: flags.pause,
      squash: flags.squash,
    })
    if (flags.iidfile !== undefined) writeId(flags.iidfile, id)
    this.print(id)
  }
}

function writeId(path: string, id: string): void {
  try {
    writeFileSync(path, id)
  } catch (error) {
    throw new TspodError('io', `writing the image's ID to ${path}`, { cause: error })
  }
}
