import { posix } from 'node:path'
import type { KeyPart } from '../../build/cache-key.js'
import { TspodError } from '../../base/errors.js'
import { isDigest } from '../../base/digest.js'
import { classifySource, writeInlineFiles, type ContextTools, type GitReference } from '../../build/context/index.js'
import type { Digest } from '../../oci/image-spec.js'
import type { CopyStep } from '../../build/dockerfile/index.js'
import {
  copyTree,
  digestTree,
  type CopyDestination,
  type CopyFrom,
  type CopySelection,
} from '../../storage/copy-tree.js'
import type { RootSource } from '../../storage/root-archive.js'
import { copyOwner } from './copy-owner.js'
import { makeLayer } from './fresh-layer.js'
import { contentKey, scratch, withSource, type Root } from './root.js'
import type { Session } from './session.js'
import type { Source } from './sources.js'
import type { StageContext } from './stage-context.js'
import type { FileStep } from './stepper.js'

/** A part of what COPY or ADD copies: what comes from one place. */
interface Portion {
  /** What a key has of it: its content. */
  readonly content: () => Promise<KeyPart>
  /** Gives it to `use` for as long as that takes. */
  readonly open: (use: (from: CopyFrom, selection: CopySelection) => Promise<void>) => Promise<void>
  readonly unpack: boolean
  /** Of a folder. */
  readonly cacheFile?: string | undefined
  /** Whether a copy with this digest is one of what the key says. */
  readonly isContent?: (copied: Digest) => Promise<boolean>
  readonly close?: () => Promise<void>
}

/** COPY and ADD as a step. Contents are digested side by side. */
export async function copyFiles(stage: StageContext, step: CopyStep, tools: ContextTools): Promise<FileStep> {
  const { session, root, archive } = stage
  const portions = await portionsOf(stage, step, tools)
  const below: Root = step.link ? scratch : root
  const owner = await ownerOf(session, step, below)
  const { kind, sources, destination, chmod, parents, exclude, files } = step
  const target: CopyDestination = {
    path: destination,
    ...(owner === undefined ? {} : { owner }),
    ...(chmod === undefined ? {} : { mode: chmod }),
  }
  const digests = await Promise.all(portions.map((portion) => portion.content()))
  let holds = true
  return {
    kind,
    name: stage.name,
    line: stage.line,
    always: stage.noCache,
    detached: step.link,
    parts: {
      digests,
      sources,
      files: files.map(({ name }) => name),
      destination,
      owner: owner === undefined ? null : [owner.uid, owner.gid],
      chmod,
      parents,
      exclude,
      unpack: portions.map(({ unpack }) => unpack),
      times: { ...session.times },
    },
    make: () =>
      makeLayer(
        session,
        below.layers,
        { archive, ...(step.link ? { bottom: () => session.workspace.empty } : {}) },
        async ({ rootfs }) => {
          for (const portion of portions) holds = (await place(session, portion, { rootfs }, target)) && holds
        },
      ),
    holds: () => holds,
    async close() {
      for (const { close } of portions) await close?.()
    },
  }
}

/** False if what was copied is not what the key says: it has changed meanwhile. */
async function place(
  { plan, signal }: Session,
  { open, unpack, cacheFile, isContent }: Portion,
  root: Extract<RootSource, { readonly rootfs: unknown }>,
  target: CopyDestination,
): Promise<boolean> {
  let copied: Digest | undefined
  await open(async (from, selection) => {
    const options = { plan, signal, ...(cacheFile === undefined ? {} : { cacheFile }) }
    const whole = { ...target, ...(unpack ? { unpack } : {}) }
    copied = (await copyTree(root, from, selection, whole, options)).digest
  })
  return copied === undefined || isContent === undefined || isContent(copied)
}

/** The folder of WORKDIR, and those above it that are missing: they are the user's. */
export function makeWorkdir(stage: StageContext, folder: string): FileStep {
  const { session, root, state, archive } = stage
  const user = state.config.User ?? ''
  return {
    kind: 'WORKDIR',
    name: stage.name,
    line: stage.line,
    always: stage.noCache,
    parts: { folder, user, times: { ...session.times } },
    async make() {
      const owner = await namedOwner(session, user, root)
      const layer = await makeLayer(session, root.layers, { archive }, async ({ rootfs }) => {
        const from = { folder: session.workspace.empty }
        const path = `${posix.normalize(folder)}/`
        const { plan, signal } = session
        await copyTree({ rootfs }, from, { sources: ['.'] }, { path, owner }, { plan, signal })
      })
      return (await layer.content).entries === 0 ? undefined : layer
    },
  }
}

async function ownerOf(session: Session, { chown }: CopyStep, root: Root): Promise<CopyDestination['owner']> {
  return chown === undefined ? undefined : namedOwner(session, chown, root)
}

function namedOwner(session: Session, text: string, root: Pick<Root, 'layers'>): Promise<{ uid: number; gid: number }> {
  const numeric = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(text)
  if (text === '' || text === 'root') return Promise.resolve({ uid: 0, gid: 0 })
  if (numeric?.[1] !== undefined)
    return Promise.resolve({ uid: Number(numeric[1]), gid: Number(numeric[2] ?? numeric[1]) })
  return withSource(session, root, (source) => copyOwner(text, source, session.plan))
}

async function portionsOf(stage: StageContext, step: CopyStep, tools: ContextTools): Promise<Portion[]> {
  const portions: Portion[] = []
  const paths: string[] = []
  for (const text of step.sources) {
    const source = step.kind === 'ADD' ? classifySource(text) : ({ kind: 'path', path: text } as const)
    if (source.kind === 'path' && step.checksum !== undefined)
      throw new TspodError('invalid-argument', 'checksum requires HTTP(S) or Git sources')
    if (source.kind === 'path') paths.push(source.path)
    else if (source.kind === 'url') portions.push(await downloaded(stage.session, step, source.url, tools))
    else portions.push(await checkedOut(stage.session, step, source.repository, tools))
  }
  if (step.files.length > 0) portions.push(inline(step, tools))
  if (paths.length === 0) return portions
  const source = await stage.sourceOf(step.from)
  const selection = { sources: paths, exclude: step.exclude, parents: step.parents }
  const unpack = step.kind === 'ADD' && step.unpack !== false
  return [portionOf(stage.session, source, selection, unpack), ...portions]
}

function portionOf(session: Session, source: Source, selection: CopySelection, unpack: boolean): Portion {
  const { plan, signal } = session
  if (source.kind === 'folder') {
    const { folder, ignore, cacheFile } = source
    const from = { folder, ignore }
    return {
      unpack,
      cacheFile,
      content: () => session.digests.of(source, selection),
      isContent: async (copied) => copied === (await session.digests.of(source, selection)),
      open: (use) => use(from, selection),
    }
  }
  const { root } = source
  return {
    unpack,
    /* Of what is copied alone: what else changes in the other stage does not matter. */
    content: once(() =>
      withSource(session, root, async (from) => (await digestTree({ root: from }, selection, { plan, signal })).digest),
    ),
    open: (use) => withSource(session, root, (from) => use({ root: from }, selection)),
  }
}

async function downloaded({ signal }: Session, step: CopyStep, url: string, tools: ContextTools): Promise<Portion> {
  const { checksum } = step
  if (checksum !== undefined && !isDigest(checksum))
    throw new TspodError('invalid-argument', `--checksum=${checksum} is not a digest: sha256:…`)
  const { openDownload } = await import('../../build/context/download.js')
  const download = await openDownload(url, { signal, ...(checksum === undefined ? {} : { checksum }) }, tools)
  return {
    unpack: step.unpack === true,
    content: () => Promise.resolve(download.digest),
    open: async (use) => use({ folder: await download.folder() }, { sources: [download.name], literal: true }),
    close: () => download.close(),
  }
}

async function checkedOut(
  { signal }: Session,
  step: CopyStep,
  repository: GitReference,
  tools: ContextTools,
): Promise<Portion> {
  const { keepGitDir, checksum } = step
  const wanted = checksum === undefined ? repository : { ...repository, checksum }
  const { openGit } = await import('../../build/context/git.js')
  const source = await openGit(wanted, { signal, ...(keepGitDir === undefined ? {} : { keepGitDir }) }, tools)
  return {
    unpack: false,
    content: () =>
      Promise.resolve([source.commit, repository.folder ?? '', repository.keepGitDir ?? keepGitDir ?? false]),
    open: async (use) => use({ folder: await source.folder() }, { sources: ['.'], exclude: step.exclude }),
    close: () => source.close(),
  }
}

function inline({ files }: CopyStep, tools: ContextTools): Portion {
  return {
    unpack: false,
    content: () => Promise.resolve(files.map(({ name, content }) => [name, content])),
    async open(use) {
      const written = await writeInlineFiles(files, tools)
      try {
        await use({ folder: written.path }, { sources: files.map(({ name }) => name), literal: true })
      } finally {
        await written.close()
      }
    },
  }
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => (result ??= work())
}

/** The content of a folder of the context or of a root, as a key has it (bind mounts of RUN). */
export function contentOfPath(session: Session, source: Source, path: string): Promise<KeyPart> {
  if (source.kind === 'root') return contentKey(source.root)
  return portionOf(session, source, { sources: [path] }, false).content()
}
