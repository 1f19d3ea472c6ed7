import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { parseGitReference, type GitReference } from './git-reference.js'

/** What a source of COPY or ADD names. */
export type SourceReference =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'git'; readonly repository: GitReference }
  | { readonly kind: 'url'; readonly url: string }

/** What a build's context is, if it is not on the standard input. */
export type ContextReference =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'git'; readonly repository: GitReference }
  | { readonly kind: 'url'; readonly url: string }

/** What `--build-context NAME=…` names. */
export type NamedContextReference =
  | ContextReference
  | { readonly kind: 'image'; readonly reference: string }
  | { readonly kind: 'oci-layout'; readonly path: string; readonly tag?: string; readonly digest?: string }
  | { readonly kind: 'stage'; readonly name: string }

/** A source of ADD: only COPY takes `github.com/…` for a path. */
export function classifySource(text: string): SourceReference {
  const repository = text.startsWith('github.com/') ? undefined : parseGitReference(text)
  if (repository !== undefined) return { kind: 'git', repository }
  return isUrl(text) ? { kind: 'url', url: text } : { kind: 'path', path: text }
}

/** A build's context: a folder that is there goes before all else. */
export function classifyContext(text: string, cwd: string): ContextReference {
  const path = resolve(cwd, text)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isDirectory() === true) return { kind: 'folder', path }
  const repository = parseGitReference(text)
  if (repository !== undefined) return { kind: 'git', repository }
  if (isUrl(text)) return { kind: 'url', url: text }
  const why = stat === undefined ? 'no such folder' : 'not a folder'
  throw new TspodError('invalid-argument', `build context ${text}: ${why}`)
}

/** `docker-image://`, `oci-layout://`, `target:`, or what a context may be. */
export function classifyNamedContext(text: string, cwd: string): NamedContextReference {
  const image = /^(?:docker-image|container-image|docker):\/\/(.+)$/.exec(text)?.[1]
  if (image !== undefined) return { kind: 'image', reference: image }
  const layout = /^oci-layout:\/\/(.+)$/.exec(text)?.[1]
  if (layout !== undefined) return ociLayout(layout, cwd)
  const stage = /^target:(.+)$/.exec(text)?.[1]
  if (stage !== undefined) return { kind: 'stage', name: stage.toLowerCase() }
  return classifyContext(text.replace(/^local:/, ''), cwd)
}

function ociLayout(text: string, cwd: string): NamedContextReference {
  const [, path = '', tag, digest] = /^(.+?)(?::([\w][\w.-]{0,127}))?(?:@(\w+:[0-9a-f]+))?$/.exec(text) ?? []
  if (path === '') throw new TspodError('invalid-argument', `"oci-layout://${text}" names no folder`)
  return {
    kind: 'oci-layout',
    path: resolve(cwd, path),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

function isUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text)
}
