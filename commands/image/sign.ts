import { BaseCommand } from '../../src/cli/base-command.js'
import { switchFlag, textFlag } from '../../src/cli/flags/define.js'

export default class ImageSign extends BaseCommand {
  static override summary = "Sign a registry's images into a folder of signatures"
  static override usage = 'image sign --sign-by KEY [OPTION]… IMAGE…'
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['image']
  static override positionals = { minimum: 1 }
  static override flags = {
    all: switchFlag('Every image of a manifest list, too', { char: 'a' }),
    authfile: textFlag('File with the logins to registries', { helpValue: 'FILE' }),
    'cert-dir': textFlag('Folder with certificates for the registry', { helpValue: 'FOLDER' }),
    directory: textFlag('Write the signatures below this folder', { char: 'd', helpValue: 'FOLDER' }),
    'sign-by': textFlag('Sign with this gpg key', { helpValue: 'KEY' }),
    'sign-passphrase-file': textFlag('Read what opens the key from this file', { helpValue: 'FILE' }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ImageSign)
    const { authfile, all, directory, 'cert-dir': certDir, 'sign-by': signBy } = flags
    const signPassphraseFile = flags['sign-passphrase-file']
    const { images } = await this.engine()
    await images.sign(argv, {
      all,
      ...(signBy === undefined ? {} : { signBy }),
      ...(directory === undefined ? {} : { directory }),
      ...(authfile === undefined ? {} : { authfile }),
      ...(certDir === undefined ? {} : { certDir }),
      ...(signPassphraseFile === undefined ? {} : { signPassphraseFile }),
    })
  }
}
