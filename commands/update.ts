import { BaseCommand, Args } from '../src/cli/base-command.js'
import { resourcesOf } from '../src/cli/container-spec.js'
import { asTyped, listFlag, valueFlag } from '../src/cli/flags/define.js'
import { healthFlags } from '../src/cli/flags/health.js'
import { resourceFlags } from '../src/cli/flags/resources.js'
import { parseHealthcheck } from '../src/cli/parse/healthcheck.js'
import { parseRestart } from '../src/cli/parse/restart.js'
import { parsePair } from '../src/cli/parse/value.js'
import { unsupported } from '../src/cli/flags/unsupported.js'

const { cgroups: _mode, 'cgroup-parent': _parent, 'cgroup-conf': _conf, ...limitFlags } = resourceFlags

export default class Update extends BaseCommand {
  static override summary = 'Change limits, restart policy or health check of a container'
  static override usage = 'update [OPTION]… CONTAINER'
  static override aliases = ['container:update']
  static override completes: typeof BaseCommand.completes = ['container']
  static override positionals = { minimum: 1, maximum: 1 }
  static override flags = {
    ...limitFlags,
    ...healthFlags,
    ...unsupported({ 'blkio-weight-device': 'a weight for a single device' }),
    env: listFlag((text) => parsePair(text, { needsValue: true }), 'Set a variable from the next start on', {
      char: 'e',
      helpValue: 'NAME=VALUE',
    }),
    restart: valueFlag(parseRestart, 'When to start it again', { helpValue: 'POLICY' }),
    unsetenv: listFlag(asTyped, 'Take a variable away from the next start on', { helpValue: 'NAME' }),
  }
  static override args = { container: Args.string({ description: 'Container to change', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Update)
    const resources = resourcesOf(flags)
    const healthcheck = parseHealthcheck(flags)
    const engine = await this.engine()
    const id = await engine.containers.update(args.container, {
      ...(Object.keys(resources).length === 0 ? {} : { resources }),
      ...(healthcheck === undefined ? {} : { healthcheck }),
      ...(flags.restart === undefined ? {} : { restart: flags.restart }),
      ...(flags.env === undefined ? {} : { env: Object.fromEntries(flags.env) }),
      ...(flags.unsetenv === undefined ? {} : { unsetEnv: flags.unsetenv }),
    })
    this.print(id)
  }
}
