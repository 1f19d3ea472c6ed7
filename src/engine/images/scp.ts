import { TspodError } from '../../base/errors.js'
import { userName } from '../../../rootless/subid.js'
import { startCommand } from '../../runtime/command.js'
import type { Context } from '../context.js'
import { findImage } from './lookup.js'
import { ImageStore } from '../../storage/images.js'
import { loadImages } from './load.js'
import { otherProgram, otherUserArguments } from './other-user.js'
import { imageNotKnown } from './record.js'
import { saveImages } from './save.js'
import type { CopyImageOptions } from './types.js'

/** One end: an image here, or one of (or a place on) another host. */
interface End {
  readonly host?: string
  readonly image: string
}

const patience = 64 * 1024

/**
 * Copies an image between this user, other hosts and other users: `IMAGE HOST::`, `HOST::IMAGE [::]`, `HOST::IMAGE HOST::`,
 * through ssh, as an archive that goes by without being kept. Answers the names that it got.
 */
export async function copyImageBetweenHosts(
  context: Context,
  source: string,
  destination: string | undefined,
  options: CopyImageOptions = {},
): Promise<string[]> {
  const [from, to] = [await here(parseEnd(source)), await here(parseEnd(destination ?? '::'))]
  if (from.image === '') throw new TspodError('usage', `${source} names no image`)
  if (to.image !== '') throw new TspodError('usage', `${String(destination)}: the image keeps its name: end with ::`)
  if (from.host === undefined && to.host === undefined)
    throw new TspodError('usage', 'must specify a destination: HOST:: or USER@HOST::')
  if (from.host === undefined) return sendHere(context, from.image, to.host ?? '', options)
  await using sender = await start(context, from.host, ['save', requireName(from.image)])
  let isWhole = false
  async function* input(): AsyncGenerator<Uint8Array> {
    yield* sender.output as AsyncIterable<Uint8Array>
    isWhole = true
  }
  try {
    const loaded =
      to.host === undefined
        ? await loadImages(context, { ...options, input: input() })
        : await loadThere(context, to.host, input())
    await requireSuccess(sender.ended, from.host)
    return loaded
  } catch (error) {
    /* What has ended too early has a reason, which the other side knows. */
    if (isWhole) await requireSuccess(sender.ended, from.host)
    throw error
  }
}

async function sendHere(context: Context, name: string, host: string, options: CopyImageOptions): Promise<string[]> {
  const found = await findImage(context, new ImageStore(context.paths).entries(), name)
  if (found === undefined) throw imageNotKnown(name)
  const { Readable, PassThrough } = await import('node:stream')
  const pipe = new PassThrough({ highWaterMark: patience })
  const write = (chunk: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      pipe.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
  const saving = saveImages(context, { ...options, names: [name], output: write }).then(
    () => pipe.end(),
    (error: Error) => pipe.destroy(error),
  )
  try {
    return await loadThere(context, host, Readable.from(pipe))
  } finally {
    pipe.destroy()
    await saving
  }
}

async function loadThere(context: Context, host: string, input: AsyncIterable<Uint8Array>): Promise<string[]> {
  await using loader = await start(context, host, ['load', '-q'], input)
  let text = ''
  for await (const chunk of loader.output) text = (text + String(chunk)).slice(-patience)
  await requireSuccess(loader.ended, host)
  return text.split('\n').flatMap((line) => (line.startsWith('Loaded image') ? [line.replace(/^[^:]*: */, '')] : []))
}

/** What we are asked to be ourselves is here. */
async function here(end: End): Promise<End> {
  const [, user] = /^(.+)@localhost$/.exec(end.host ?? '') ?? []
  if (user === undefined || user !== (await userName(process.geteuid?.() ?? 0))) return end
  return { image: end.image }
}

/** As root, another user of this host is reached without a network. */
async function start(
  context: Context,
  host: string,
  command: readonly string[],
  input?: AsyncIterable<Uint8Array>,
): ReturnType<typeof startCommand> {
  const options = { env: context.env, ...(input === undefined ? {} : { input }) }
  const [, user, name = '', port] =
    /^(?:ssh:\/\/)?(?:([^@]*)@)?([^@:/]+|\[[0-9a-fA-F:]+\])(?::(\d+))?(?:\/.*)?$/.exec(host) ?? []
  if (name === '' || name.startsWith('-') || user?.startsWith('-') === true)
    throw new TspodError('invalid-argument', `${JSON.stringify(host)} is no host: say [USER@]HOST[:PORT]::`)
  if (name === 'localhost' && user !== undefined && port === undefined && process.geteuid?.() === 0)
    return startCommand('runuser', await otherUserArguments(context, user, command), options)
  const address = `${user === undefined ? '' : `${user}@`}${name.replace(/^\[|\]$/g, '')}`
  const text = `${otherProgram} ${command.map(quoted).join(' ')}`
  return startCommand('ssh', ['-T', ...(port === undefined ? [] : ['-p', port]), '--', address, text], options)
}

async function requireSuccess(
  ended: Promise<{ readonly status: number; readonly stderr: string }>,
  host: string,
): Promise<void> {
  const { status, stderr } = await ended
  if (status === 0) return
  const said = stderr.trim().split('\n').at(-1) ?? ''
  throw new TspodError(
    'io',
    `${host}: ${said === '' ? `it ended with ${String(status)}` : said.replace(/\p{Cc}/gu, '?')}`,
  )
}

function parseEnd(text: string): End {
  const at = text.indexOf('::')
  if (at === -1) return { image: text }
  const host = text.slice(0, at)
  return { ...(host === '' ? {} : { host }), image: text.slice(at + 2) }
}

function requireName(image: string): string {
  if (/^[\w.:/@-]+$/.test(image) && !image.startsWith('-')) return image
  throw new TspodError('invalid-reference', `invalid reference format: ${JSON.stringify(image.slice(0, 300))}`)
}

/** Names and IDs have no quotes in them. */
function quoted(word: string): string {
  return /^[\w-]+$/.test(word) ? word : `'${word}'`
}
