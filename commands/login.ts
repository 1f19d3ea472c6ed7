import { TspodError } from '../src/base/errors.js'
import { Args, BaseCommand } from '../src/cli/base-command.js'
import { switchFlag, switchFlagOn, textFlag } from '../src/cli/flags/define.js'
import { passwordFor } from '../src/cli/images/login.js'
import { unsupported } from '../src/cli/flags/unsupported.js'

export default class Login extends BaseCommand {
  static override summary = 'Log in to a registry'
  static override usage = 'login [OPTION]… [REGISTRY]'
  static override completes: typeof BaseCommand.completes = ['none']
  static override args = { registry: Args.string({ description: 'Registry to log in to' }) }
  static override flags = {
    authfile: textFlag('File to keep the login in', { helpValue: 'FILE' }),
    'cert-dir': textFlag('Folder with certificates for the registry', { helpValue: 'FOLDER' }),
    'compat-auth-file': textFlag("Docker's configuration file to keep the login in", { helpValue: 'FILE' }),
    'get-login': switchFlag('Only say who is logged in'),
    password: textFlag('Password', { char: 'p', helpValue: 'PASSWORD' }),
    'password-stdin': switchFlag('Read the password from the standard input'),
    'tls-verify': switchFlagOn('Insist on HTTPS and valid certificates'),
    ...unsupported({ secret: 'secrets' }),
    username: textFlag('User', { char: 'u', helpValue: 'NAME' }),
    verbose: switchFlag('Say where the login is kept', { char: 'v' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Login)
    const { authfile, 'compat-auth-file': compatAuthFile, 'cert-dir': certDir } = flags
    if (authfile !== undefined && compatAuthFile !== undefined)
      throw new TspodError('usage', '--authfile and --compat-auth-file cannot be used together')
    const { registries } = await this.engine()
    const registry = args.registry ?? (await registries.default())
    const options = {
      ...(authfile === undefined ? {} : { authfile }),
      ...(compatAuthFile === undefined ? {} : { compatAuthFile }),
      ...(certDir === undefined ? {} : { certDir }),
      ...(this.given('tls-verify') ? { tlsVerify: flags['tls-verify'] } : {}),
    }
    if (flags['get-login']) {
      const user = await registries.user(registry, options)
      if (user === undefined) throw new TspodError('registry-denied', `not logged into ${registry}`)
      this.print(user.username)
      return
    }
    const known = await passwordFor(registries, registry, flags, options, (line) => this.print(line))
    if (known === undefined) return
    const kept = await registries.login(registry, { ...options, ...known })
    if (flags.verbose) this.print(`Used: ${kept}`)
    this.print('Login Succeeded!')
  }
}
