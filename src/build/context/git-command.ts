import { once } from 'node:events'
import { TspodError } from '../../base/errors.js'
import { withoutPassword } from './git-reference.js'

export interface GitCommandOptions {
  /** The folder to work in. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal | undefined
}

/** Variables of the caller's by which git finds servers, keys and passwords; every other GIT_ one is about their own repository. */
const kept =
  /^GIT_(SSH|SSH_COMMAND|SSH_VARIANT|SSL_\w+|ASKPASS|PROXY_COMMAND|HTTP_\w+|CONFIG_GLOBAL|CONFIG_SYSTEM|CONFIG_NOSYSTEM|CURL_VERBOSE|TRACE\w*)$/

/** Whatever the user's own configuration says: nothing of a repository is run, and no program stands behind a URL. */
const hardened = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.symlinks=true',
  'core.autocrlf=false',
  'core.attributesFile=/dev/null',
  'fetch.fsckObjects=true',
  'transfer.bundleURI=false',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'advice.detachedHead=false',
  'init.defaultBranch=master',
  'gc.auto=0',
  'maintenance.auto=false',
] as const

const maximumOutput = 4 * 1024 * 1024

/** Runs the host's git; its output. No local repositories, no remote helpers (`ext::`), no hooks, no questions. */
export async function runGit(args: readonly string[], options: GitCommandOptions): Promise<string> {
  const { spawn } = await import('node:child_process')
  const env = Object.entries(options.env).filter(([name]) => !name.startsWith('GIT_') || kept.test(name))
  const git = spawn('git', [...hardened.flatMap((setting) => ['-c', setting]), ...args], {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(env),
      LC_ALL: 'C',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ALLOW_PROTOCOL: 'https:http:ssh:git',
      GIT_PROTOCOL_FROM_USER: '0',
      GIT_LFS_SKIP_SMUDGE: '1',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_OPTIONAL_LOCKS: '0',
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  let output = ''
  let said = ''
  git.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (output.length <= maximumOutput) output += text
  })
  git.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 64 * 1024) said += text
  })
  const [status] = (await once(git, 'close').catch((cause: unknown) => {
    options.signal?.throwIfAborted()
    throw new TspodError('host-requirement', 'git could not be started: install git', { cause })
  })) as [number | null]
  if (status !== 0) throw new GitError(args, said)
  if (output.length > maximumOutput) throw new TspodError('limit-exceeded', `git ${args[0] ?? ''} says too much`)
  return output
}

/** What git says when it fails; `said` is for decisions about the way on, the message for people. */
export class GitError extends TspodError {
  readonly said: string

  constructor(args: readonly string[], said: string) {
    const line = said.split('\n').find((one) => /^(fatal|error): /.test(one)) ?? said.trim().split('\n').at(-1) ?? ''
    super(
      'io',
      `git ${args.find((one) => /^[a-z]/.test(one)) ?? ''}: ${withoutPasswords(line.replace(/^(fatal|error): /, ''))}`,
    )
    this.said = said
  }
}

function withoutPasswords(text: string): string {
  return text.replace(/[a-zA-Z0-9]+:\/\/\S+/g, withoutPassword)
}
