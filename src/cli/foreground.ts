import { isatty } from '../base/syscalls.js'
import { resolve } from 'node:path'
import { unrepeatable } from '../base/looks.js'
import { TspodError } from '../base/errors.js'
import type { ForegroundOptions, StreamName } from '../index.js'

/** The flags of `run` that tie the command line to the container. */
export interface ForegroundFlags {
  readonly detach: boolean
  readonly attach?: readonly string[] | undefined
  readonly 'detach-keys'?: string | undefined
  readonly 'sig-proxy': boolean
  readonly cidfile?: string | undefined
}

/** What the engine is told about them; it decides what was left open. */
export function foregroundOptions(
  flags: ForegroundFlags,
  { given }: { readonly given: (flag: string) => boolean },
): ForegroundOptions {
  const attach = flags.attach?.map(parseStream)
  const detachKeys = flags['detach-keys']
  return {
    detach: flags.detach,
    ...(attach === undefined ? {} : { attach }),
    ...(detachKeys === undefined ? {} : { detachKeys: parseDetachKeys(detachKeys) }),
    ...(given('sig-proxy') ? { sigProxy: flags['sig-proxy'] } : {}),
    ...(flags.cidfile === undefined ? {} : { cidfile: resolve(flags.cidfile) }),
  }
}

/** What to tell whose `-it` has no terminal behind it. */
export function terminalWarning(flags: { readonly tty: boolean; readonly interactive: boolean }): string | undefined {
  if (!flags.tty || !flags.interactive || isatty(0)) return undefined
  unrepeatable('a warning was given')
  return 'the input device is not a TTY: --tty and --interactive might not work properly'
}

function parseStream(text: string): StreamName {
  const name = text.toLowerCase()
  if (name === 'stdin' || name === 'stdout' || name === 'stderr') return name
  throw new TspodError('usage', `invalid argument "${text}" for "--attach" flag: stdin, stdout or stderr`)
}

/** `ctrl-p,ctrl-q`, single characters; an empty text is none. */
export function parseDetachKeys(text: string): string {
  for (const key of text === '' ? [] : text.split(',')) {
    if (/^(?:.|ctrl-[a-z@[\\\]^_])$/u.test(key)) continue
    throw new TspodError(
      'usage',
      `invalid detach key "${key}": a character, or ctrl- and one of a-z, @, [, \\, ], ^, _`,
    )
  }
  return text
}
