import { TspodError } from '../src/base/errors.js'
import { Args, BaseCommand } from '../src/cli/base-command.js'
import { switchFlag, textFlag } from '../src/cli/flags/define.js'

export default class Logout extends BaseCommand {
  static override summary = 'Log out of a registry'
  static override usage = 'logout [OPTION]… [REGISTRY]'
  static override completes: typeof BaseCommand.completes = ['none']
  static override args = { registry: Args.string({ description: 'Registry to log out of' }) }
  static override flags = {
    all: switchFlag('Log out of every registry', { char: 'a' }),
    authfile: textFlag('File that the login is kept in', { helpValue: 'FILE' }),
    'compat-auth-file': textFlag("Docker's configuration file that the login is kept in", { helpValue: 'FILE' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Logout)
    const { authfile, 'compat-auth-file': compatAuthFile } = flags
    if (authfile !== undefined && compatAuthFile !== undefined)
      throw new TspodError('usage', '--authfile and --compat-auth-file cannot be used together')
    const options = {
      ...(authfile === undefined ? {} : { authfile }),
      ...(compatAuthFile === undefined ? {} : { compatAuthFile }),
    }
    const { registries } = await this.engine()
    if (flags.all) {
      if (args.registry !== undefined) throw new TspodError('usage', '--all takes no registry')
      await registries.logoutAll(options)
      this.print('Removed login credentials for all registries')
      return
    }
    const registry = args.registry ?? (await registries.default())
    const result = await registries.logout(registry, options)
    if (result === 'none') throw new TspodError('registry-denied', `not logged into ${registry}`)
    if (result === 'removed') this.print(`Removed login credentials for ${registry}`)
    else
      this.print(`Not logged into ${registry} with current tool. The login is in another tool's file and stays there.`)
  }
}
