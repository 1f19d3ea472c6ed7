import { readFileSync } from 'node:fs'
import { TspodError } from '../src/index.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { asTyped, listFlag, switchFlag, textFlag, valueFlag } from '../src/cli/flags/define.js'
import { parseDetachKeys } from '../src/cli/foreground.js'
import { parseEnv, parseEnvFile } from '../src/cli/parse/env.js'
import { parseInteger } from '../src/cli/parse/value.js'

export default class Exec extends BaseCommand {
  static override summary = 'Run one more command in a running container'
  static override usage = 'exec [OPTION]… CONTAINER COMMAND [ARGUMENT…]'
  static override aliases = ['container:exec']
  static override strict = false
  static override fenced = true
  static override completes: typeof BaseCommand.completes = ['running', 'none']
  static override positionals = { minimum: 1 }
  /** As Podman's. */
  static override exitStatuses = { 'container-not-running': 255 } as const
  static override flags = {
    detach: switchFlag('Leave it running in the background', { char: 'd' }),
    'detach-keys': textFlag('Keys that detach from it', { helpValue: 'KEYS' }),
    env: listFlag(asTyped, 'Set an environment variable', { char: 'e', helpValue: 'KEY[=VALUE]' }),
    'env-file': listFlag(asTyped, 'Read environment variables from a file', { helpValue: 'FILE' }),
    interactive: switchFlag('Keep stdin open', { char: 'i' }),
    latest: switchFlag('In the container created last', { char: 'l' }),
    'preserve-fds': valueFlag((text) => parseInteger(text, 0, 1024), 'Pass so many descriptors from 3 on', {
      helpValue: 'N',
    }),
    privileged: switchFlag('Give it every capability and no seccomp filter'),
    tty: switchFlag('Give it a terminal', { char: 't' }),
    user: textFlag('User (and group) it runs as', { char: 'u', helpValue: 'USER[:GROUP]' }),
    workdir: textFlag('Its working directory', { char: 'w', helpValue: 'DIR' }),
  }

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Exec)
    const engine = await this.engine()
    const [name = '', ...command] = flags.latest ? [await latest(engine), ...argv] : argv
    if (command.length === 0) throw new TspodError('usage', 'must provide a non-empty command to start an exec session')
    const detachKeys = flags['detach-keys']
    const preserveFds = flags['preserve-fds']
    const { exitCode } = await engine.containers.execInPlace(
      name,
      {
        command,
        env: environment(flags),
        tty: flags.tty,
        interactive: flags.interactive,
        privileged: flags.privileged,
        ...(flags.user === undefined ? {} : { user: flags.user }),
        ...(flags.workdir === undefined ? {} : { workdir: flags.workdir }),
        ...(preserveFds === undefined ? {} : { preserveFds }),
      },
      { detach: flags.detach, ...(detachKeys === undefined ? {} : { detachKeys: parseDetachKeys(detachKeys) }) },
    )
    return exitCode
  }
}

/** Files first: what is typed wins. */
function environment(flags: { env?: string[] | undefined; 'env-file'?: string[] | undefined }): Record<string, string> {
  const fromFiles = (flags['env-file'] ?? []).flatMap((path) => parseEnvFile(readText(path), process.env, path))
  const typed = (flags.env ?? []).flatMap((text) => parseEnv(text, process.env))
  return Object.fromEntries([...fromFiles, ...typed])
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new TspodError('invalid-argument', `reading the environment file ${path}`, { cause: error })
  }
}

async function latest(engine: Awaited<ReturnType<BaseCommand['engine']>>): Promise<string> {
  const [newest] = await engine.containers.list({ all: true, last: 1 })
  if (newest === undefined) throw new TspodError('no-such-container', 'there is no container')
  return newest.id
}
