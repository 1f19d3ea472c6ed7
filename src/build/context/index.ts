/**
 * What comes into a build: contexts, downloads, git repositories, here-documents, secrets. Whatever comes becomes a folder
 * of the caller's, of which `src/storage/copy-tree.ts` takes digests, and from which it copies into a step's root.
 */
export { classifyContext, classifyNamedContext, classifySource } from './classify.js'
export type { ContextReference, NamedContextReference, SourceReference } from './classify.js'
/* How things come from elsewhere is loaded where they do: download.js, git.js, secret.js, ssh.js. */
export type { Download, DownloadOptions } from './download.js'
export type { GitCheckout, GitOptions, GitSource } from './git.js'
export { parseGitReference } from './git-reference.js'
export type { GitReference } from './git-reference.js'
export { writeInlineFiles } from './inline.js'
export { parseMode } from './mode.js'
export { openContext } from './open.js'
export type { BuildContext, ContextOptions } from './open.js'
export type { SecretSource } from './secret.js'
export type { OpenAgents, SshSource } from './ssh.js'
export type { ContextTools, Fetch, Fetched } from './tools.js'
export { makeWorkFolder, workPrefix } from './work-folder.js'
export type { WorkFolder } from './work-folder.js'
