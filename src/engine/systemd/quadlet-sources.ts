import { readdirSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { TspodError } from '../../base/errors.js'
import { splitQuadlets } from '../../systemd/quadlet/sections.js'
import { decodeUnit, readUnit } from '../../systemd/quadlet/folders.js'
import { kindOf } from '../../systemd/quadlet/source.js'
import { maximumUnitBytes, parseUnit } from '../../systemd/unit-file.js'
import type { Context } from '../context.js'
import { isList } from './quadlet-applications.js'

/** A file that is to be installed. */
export interface NewFile {
  readonly name: string
  /** Of a quadlet, which is short; what came with one is copied from where it is. */
  readonly content: Uint8Array | { readonly path: string }
  readonly mode: number
}

/** What one PATH or URL brings, and whether that is an application: files that belong together, under a name. */
export interface Brought {
  readonly files: readonly NewFile[]
  readonly application?: string
}

/** Reads a quadlet or another file, a folder, a `.quadlets` file, or any of these files behind a URL. */
export async function bring(context: Context, path: string): Promise<Brought> {
  if (/^https?:\/\//i.test(path)) return split(await download(context, path), path)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new TspodError('invalid-argument', `${path}: no such file`)
  if (stat.isDirectory()) return folder(context, path)
  if (!stat.isFile()) throw new TspodError('invalid-argument', `${path} is neither a file nor a folder`)
  return split(fileAt(path, basename(path)), path)
}

function folder(context: Context, path: string): Brought {
  const files = readdirSync(path, { withFileTypes: true }).flatMap((entry): NewFile[] => {
    const file = join(path, entry.name)
    // What a link stands for, as where it is installed it would stand for nothing.
    const isFile = statSync(file, { throwIfNoEntry: false })?.isFile() === true
    if (isFile && !isList(entry.name)) return [fileAt(file, entry.name)]
    context.log('warn', `${file} is ${isFile ? 'a list of what was installed' : 'not a file'}, and is left out`)
    return []
  })
  for (const file of files) requireSyntax(file, join(path, file.name))
  return { files, application: basename(resolve(path)) }
}

function split(file: NewFile, path: string): Brought {
  if (!file.name.endsWith('.quadlets')) {
    requireSyntax(file, path)
    return { files: [file] }
  }
  const sections = splitQuadlets(textOf(file, path), path)
  return {
    files: sections.map(({ name, text }) => ({ name, content: Buffer.from(text), mode: file.mode })),
    application: file.name.slice(0, -'.quadlets'.length),
  }
}

function requireSyntax(file: NewFile, path: string): void {
  if (kindOf(file.name) !== undefined) parseUnit(textOf(file, path), path)
}

function textOf({ content }: NewFile, path: string): string {
  return content instanceof Uint8Array ? decodeUnit(content, path) : readUnit(content.path)
}

function fileAt(path: string, name: string): NewFile {
  const isUnit = kindOf(name) !== undefined || name.endsWith('.quadlets')
  return { name, content: isUnit ? Buffer.from(readUnit(path)) : { path }, mode: statSync(path).mode & 0o777 }
}

async function download(context: Context, typed: string): Promise<NewFile> {
  const { HttpClient, readBody } = await import('../../image/registry/http.js')
  const url = parsed(typed)
  const { username, password } = url
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  url.username = url.password = ''
  using client = new HttpClient({ env: context.env, userAgent: 'tspod/0.1' })
  const headers = username === '' && password === '' ? {} : { authorization: `Basic ${login}` }
  const response = await client.request({ method: 'GET', url, headers })
  if (response.status < 200 || response.status > 299) {
    response.discard()
    throw new TspodError('registry-error', `${url.href}: the server answered ${String(response.status)}`)
  }
  const offered = response.headers['content-disposition']
  const name = /filename="?([^";]+)"?/i.exec(offered ?? '')?.[1] ?? decodeURIComponent(basename(url.pathname))
  if (name === '' || name.startsWith('.') || /[/\\\p{Cc}]/u.test(name))
    throw new TspodError('invalid-argument', `${url.href}: ${JSON.stringify(name)} cannot be a file's name`)
  return { name, content: await readBody(response, maximumUnitBytes, name), mode: 0o644 }
}

function parsed(typed: string): URL {
  try {
    return new URL(typed)
  } catch {
    throw new TspodError('invalid-argument', `${typed} is not a URL`)
  }
}
