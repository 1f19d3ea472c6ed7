import { existsSync } from 'node:fs'
import { lstat, lutimes, readdir, realpath, rm } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { GitError, runGit } from './git-command.js'
import { withoutPassword, type GitReference } from './git-reference.js'
import type { ContextTools } from './tools.js'
import { makeWorkFolder, type WorkFolder } from './work-folder.js'

export interface GitOptions {
  /** `--keep-git-dir`, if the reference itself says nothing. */
  readonly keepGitDir?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface GitCheckout {
  /** 40 or 64 hexadecimal digits. */
  readonly commit: string
  /** The repository's files, or those of the folder that the reference names. */
  readonly folder: string
  close(): Promise<void>
}

type Tools = Pick<ContextTools, 'tmp' | 'remove' | 'env'>

const commitName = /^([0-9a-f]{40}|[0-9a-f]{64})$/

/** A repository's files: known by their commit before they are needed, fetched when they are. */
export interface GitSource {
  readonly commit: string
  folder(): Promise<string>
  close(): Promise<void>
}

/** Finds out which commit a reference means. If it means another one by the time that it is fetched, that is an error. */
export async function openGit(repository: GitReference, options: GitOptions, tools: Tools): Promise<GitSource> {
  const commit = await resolveGit(repository, options, tools)
  let fetched: Promise<GitCheckout> | undefined
  return {
    commit,
    async folder() {
      fetched ??= checkoutGit({ ...repository, checksum: commit }, options, tools)
      return (await fetched).folder
    },
    async close() {
      const checkout = await fetched?.catch(() => undefined)
      await checkout?.close()
    },
  }
}

/** The commit that a reference means now, found without fetching anything: by it a checkout is known in a cache. */
export async function resolveGit(repository: GitReference, options: GitOptions, tools: Tools): Promise<string> {
  const { remote, ref = 'HEAD', checksum } = repository
  if (commitName.test(ref)) return requireChecksum(repository, [ref])
  const git = { cwd: tools.tmp, env: tools.env, signal: options.signal }
  const listed = await runGit(['ls-remote', '--', remote, ref, `${ref}^{}`], git)
  const found = new Map(
    listed.split('\n').flatMap((line) => {
      const [commit = '', name = ''] = line.split('\t')
      return commitName.test(commit) ? [[name, commit] as const] : []
    }),
  )
  const name = [ref, `refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`].find((one) => found.has(one))
  if (name === undefined) {
    /* Part of a commit's name: only all of its history has it. */
    if (/^[0-9a-f]{7,}$/.test(ref)) return withCheckout(repository, options, tools, (checkout) => checkout.commit)
    throw new TspodError('invalid-argument', `git repository ${withoutPassword(remote)} has no "${ref}"`)
  }
  const tag = found.get(name) ?? ''
  const commit = found.get(`${name}^{}`) ?? tag
  return checksum === undefined ? commit : requireChecksum(repository, [commit, tag])
}

/** Fetches a repository (one commit, where the server can) and gives its files. */
export async function checkoutGit(repository: GitReference, options: GitOptions, tools: Tools): Promise<GitCheckout> {
  const folder = makeWorkFolder(tools)
  try {
    const git = { cwd: folder.path, env: tools.env, signal: options.signal }
    await runGit(['init', '--quiet', '--template=', '.'], git)
    await fetchCommit(repository, git)
    const commit = (await runGit(['rev-parse', '--verify', 'FETCH_HEAD^{commit}'], git)).trim()
    const tag = (await runGit(['rev-parse', '--verify', 'FETCH_HEAD'], git)).trim()
    requireChecksum(repository, [commit, tag])
    await runGit(['checkout', '--quiet', '--force', '--detach', commit], git)
    if (repository.submodules !== false) await fetchSubmodules(repository.remote, git)
    const time = repository.commitTimes === true ? await commitTime(commit, git) : undefined
    if ((repository.keepGitDir ?? options.keepGitDir) !== true) await removeGitFolders(folder.path)
    else await runGit(['remote', 'add', '--', 'origin', withoutPassword(repository.remote)], git)
    if (time !== undefined) await setTimes(folder.path, time)
    return { commit, folder: await subfolder(folder, repository), close: () => folder.close() }
  } catch (error) {
    await folder.close()
    throw error
  }
}

async function withCheckout<T>(
  repository: GitReference,
  options: GitOptions,
  tools: Tools,
  use: (checkout: GitCheckout) => T,
): Promise<T> {
  const checkout = await checkoutGit(repository, options, tools)
  try {
    return use(checkout)
  } finally {
    await checkout.close()
  }
}

type Git = Parameters<typeof runGit>[1]

/** Leaves it as FETCH_HEAD. */
async function fetchCommit({ remote, ref = 'HEAD' }: GitReference, git: Git): Promise<void> {
  const partial = /^[0-9a-f]{7,}$/.test(ref)
  try {
    await runGit(['fetch', '--quiet', '--depth=1', '--no-tags', '--', remote, ref], git)
    return
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    const { said } = error
    /* The dumb HTTP protocol knows no depth; a server need not give a commit that no ref names. */
    if (!partial && !/shallow|depth/.test(said)) throw error
  }
  await runGit(['fetch', '--quiet', '--tags', '--', remote, '+refs/heads/*:refs/remotes/origin/*'], git)
  if (!partial) return runGit(['fetch', '--quiet', '--no-tags', '--', remote, ref], git).then(() => undefined)
  const commit = (await runGit(['rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`], git)).trim()
  /* As if it had been fetched by its name. */
  await runGit(['update-ref', 'FETCH_HEAD', commit], git)
}

/** Their URLs are the repository's word: the allowed protocols hold for them, too. */
async function fetchSubmodules(remote: string, git: Git): Promise<void> {
  if (!existsSync(join(git.cwd, '.gitmodules'))) return
  /* Relative ones are relative to this. */
  await runGit(['config', 'remote.origin.url', remote], git)
  const update = ['submodule', '--quiet', 'update', '--init', '--recursive', '--force']
  try {
    await runGit([...update, '--depth=1'], git)
  } catch (error) {
    if (!(error instanceof GitError) || !/shallow|depth|not our ref|unadvertised/.test(error.said)) throw error
    await runGit(update, git)
  }
  await runGit(['config', '--unset', 'remote.origin.url'], git)
}

/** The repository's own, and the files `.git` of its submodules. */
async function removeGitFolders(folder: string): Promise<void> {
  const hasSubmodules = existsSync(join(folder, '.git', 'modules'))
  await rm(join(folder, '.git'), { recursive: true, force: true })
  if (!hasSubmodules) return
  for await (const path of walk(folder)) {
    if (path.endsWith(`${sep}.git`)) await rm(path, { recursive: true, force: true })
  }
}

async function* walk(folder: string): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && entry.name !== '.git') yield* walk(path)
    yield path
  }
}

async function commitTime(commit: string, git: Git): Promise<number> {
  return Number((await runGit(['show', '--no-patch', '--format=%ct', commit], git)).trim())
}

/** Folders after what is in them. */
async function setTimes(folder: string, seconds: number): Promise<void> {
  for await (const path of walk(folder)) await lutimes(path, seconds, seconds)
  await lutimes(folder, seconds, seconds)
}

/** Where a folder of the repository is; its links lead no further than the repository. */
async function subfolder(work: WorkFolder, { folder, remote }: GitReference): Promise<string> {
  if (folder === undefined) return work.path
  const root = await realpath(work.path)
  const path = await realpath(join(root, folder)).catch(() => undefined)
  const inside = path !== undefined && (path === root || path.startsWith(`${root}${sep}`))
  if (!inside || !(await lstat(path)).isDirectory()) {
    throw new TspodError('invalid-argument', `git repository ${withoutPassword(remote)} has no folder "${folder}"`)
  }
  return path
}

function requireChecksum({ remote, checksum }: GitReference, names: readonly string[]): string {
  const [first = ''] = names
  if (checksum === undefined || names.some((name) => name.startsWith(checksum))) return first
  throw new TspodError(
    'digest-mismatch',
    `git repository ${withoutPassword(remote)}: expected commit ${checksum}, got ${first}`,
  )
}
