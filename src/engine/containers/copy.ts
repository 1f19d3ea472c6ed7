import type { Readable } from 'node:stream'
import { TspodError } from '../../base/errors.js'
import { lookInRoot, tarRoot, untarRoot, type Looked } from '../../storage/root-archive.js'
import type { Context } from '../context.js'
import { hostEnd } from './copy-host.js'
import { endsInDot, lastName, type CopyEnd, type CopyOptions, type Source, type Target } from './copy-ends.js'
import { containerOwner } from './copy-owner.js'
import { withContainerRoot } from './root-source.js'
import { findContainer } from './store.js'

/**
 * Copies as `docker cp` does. Paths in containers are resolved beneath the container's root by what it sees itself, links
 * at their end included; nothing in the container is ever run or loaded for it.
 */
export async function copyFiles(
  context: Context,
  from: CopyEnd,
  to: CopyEnd,
  options: CopyOptions = {},
): Promise<void> {
  await withSource(context, from, (source) => withTarget(context, to, options, (target) => copy(source, target)))
}

type OpenSource = Source | { readonly input: AsyncIterable<Uint8Array> }
type OpenTarget = Target | { readonly output: number | ((chunks: Readable) => Promise<void>) }

async function copy(source: OpenSource, target: OpenTarget): Promise<void> {
  if ('output' in target) {
    if ('input' in source) throw new TspodError('usage', 'one end of a copy has to be a path')
    const { output } = target
    const write = typeof output === 'number' ? (chunks: Readable) => writeTo(output, chunks) : output
    return source.tar(source.contentOnly || source.name === '' ? '.' : source.name, write)
  }
  if ('input' in source) {
    if (target.kind !== 'folder') throw notAFolder(target)
    return target.untar('itself', source.input)
  }
  const { into, name } = placeFor(source, target)
  await source.tar(name, (chunks) => target.untar(into, chunks))
}

/** Docker's rules: where what is copied goes, and what it is called there. */
export function placeFor(
  source: Pick<Source, 'isFolder' | 'contentOnly' | 'name' | 'description'>,
  target: Pick<Target, 'kind' | 'hasParent' | 'mustBeFolder' | 'name' | 'description'>,
): { into: 'itself' | 'parent'; name: string } {
  if (target.kind === 'folder') {
    return { into: 'itself', name: source.contentOnly || source.name === '' ? '.' : source.name }
  }
  if (target.kind === 'other') {
    if (source.isFolder) {
      throw new TspodError('invalid-argument', `cannot copy folder ${source.description} to file ${target.description}`)
    }
    if (target.mustBeFolder) throw notAFolder(target)
    return { into: 'parent', name: target.name }
  }
  if (!target.hasParent || (target.mustBeFolder && !source.isFolder) || target.name === '') {
    throw new TspodError('invalid-argument', `${target.description}: no such file or directory`)
  }
  return { into: 'parent', name: target.name }
}

function notAFolder({ description, kind }: Pick<Target, 'description' | 'kind'>): TspodError {
  const why = kind === 'missing' ? 'no such file or directory' : 'not a folder'
  return new TspodError('invalid-argument', `${description}: ${why}`)
}

async function withSource<T>(context: Context, end: CopyEnd, use: (source: OpenSource) => Promise<T>): Promise<T> {
  if ('input' in end) return use(end)
  if ('output' in end) throw new TspodError('usage', 'one end of a copy has to be a source')
  if (!('container' in end)) return use(hostEnd.source(end.path))
  const record = findContainer(context, end.container)
  const description = `${end.container}:${end.path}`
  return withContainerRoot(context, record, { mounts: true }, async ({ root, plan }) => {
    const looked = await lookInRoot(root, end.path, plan)
    if (!looked.found) {
      throw new TspodError('invalid-argument', `${description}: no such file or directory in container ${record.name}`)
    }
    return use({
      description,
      isFolder: looked.kind === 'folder',
      contentOnly: looked.kind === 'folder' && endsInDot(end.path),
      name: looked.kind === 'folder' ? nameOf(end.path, looked) : lastName(end.path),
      tar: async (name, output) => {
        await tarRoot(root, { plan, output, path: pathOf(looked), name })
      },
    })
  })
}

async function withTarget<T>(
  context: Context,
  end: CopyEnd,
  options: CopyOptions,
  use: (target: OpenTarget) => Promise<T>,
): Promise<T> {
  if ('output' in end) return use(end)
  if ('input' in end) throw new TspodError('usage', 'one end of a copy has to be a target')
  if (!('container' in end)) return use(hostEnd.target(end.path, options))
  const record = findContainer(context, end.container)
  return withContainerRoot(context, record, { mounts: true }, async ({ root, plan }) => {
    const looked = await lookInRoot(root, end.path, plan)
    const owner = options.archive === false ? undefined : await containerOwner(record, { root, plan })
    return use({
      description: `${end.container}:${end.path}`,
      ...targetState(looked),
      mustBeFolder: end.path.endsWith('/') || endsInDot(end.path),
      async untar(into, chunks) {
        await untarRoot(root, chunks, {
          plan,
          path: into === 'itself' ? pathOf(looked) : `/${looked.folder}`,
          keepFolders: true,
          sameKinds: options.overwrite !== true,
          ...(owner === undefined ? {} : { owner }),
        })
      },
    })
  })
}

function targetState(looked: Looked): Pick<Target, 'kind' | 'hasParent' | 'name'> {
  const kind = !looked.found ? 'missing' : looked.kind === 'folder' ? 'folder' : 'other'
  return { kind, hasParent: looked.parent, name: looked.name }
}

/** Without links: what was looked at. */
function pathOf({ folder, name }: Looked): string {
  return name === '' ? `/${folder}` : `/${folder}/${name}`
}

function nameOf(path: string, looked: Looked): string {
  return lastName(path) || looked.name || (looked.folder.split('/').at(-1) ?? '')
}

async function writeTo(fd: number, chunks: Readable): Promise<void> {
  const { writeSync } = await import('node:fs')
  for await (const chunk of chunks) {
    const bytes = chunk as Buffer
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
  }
}
