import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Digest } from '../../../../src/oci/image-spec.js'
import type { ContextTools, Fetched } from '../../../../src/build/context/tools.js'

/** What a server has at a URL. */
export interface Page {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
}

export interface TestTools extends ContextTools, Disposable {
  readonly folder: string
  /** Replaced by tests; asked with the headers of each request. */
  serve: (url: string, headers: Readonly<Record<string, string>>) => Page
  readonly requests: { readonly url: string; readonly headers: Readonly<Record<string, string>> }[]
  /** Names in tmp/. */
  left(): string[]
}

/** Tools without processes and without a network; an archive is what begins with `archive` or is gzip. */
export function testTools(): TestTools {
  const folder = mkdtempSync(join(tmpdir(), 'tspod-context-'))
  const requests: TestTools['requests'] = []
  const tools: TestTools = {
    folder,
    requests,
    serve: () => ({ status: 404 }),
    tmp: join(folder, 'tmp'),
    cache: join(folder, 'cache'),
    env: {},
    fetch({ url, headers = {} }) {
      requests.push({ url: url.href, headers })
      const { status = 200, headers: answered = {}, body = '' } = tools.serve(url.href, headers)
      return Promise.resolve<Fetched>({ status, headers: answered, url, body: bytes(body), discard: () => undefined })
    },
    isArchive: (start) => start.toString().startsWith('archive') || start[0] === 0x1f,
    async unpack(archive, target) {
      const { writeFileSync } = await import('node:fs')
      const chunks: Uint8Array[] = []
      for await (const chunk of archive) chunks.push(chunk)
      const whole = Buffer.concat(chunks)
      writeFileSync(join(target, 'content'), whole[0] === 0x1f ? gunzipSync(whole) : whole)
    },
    remove: (path) => Promise.resolve(rmSync(path, { recursive: true, force: true })),
    digestOf: (data) => Promise.resolve<Digest>(`sha256:${createHash('sha256').update(data).digest('hex')}`),
    left: () => readdirSync(tools.tmp),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
  return tools
}

async function* bytes(body: string | Buffer): AsyncGenerator<Uint8Array> {
  const whole = Buffer.from(body)
  for (let at = 0; at < whole.length; at += 7) yield await Promise.resolve(whole.subarray(at, at + 7))
}
