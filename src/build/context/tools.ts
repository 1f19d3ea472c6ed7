import type { Digest } from '../../oci/image-spec.js'

/** What a server answered; `HttpClient.request` of src/image/registry/http.ts gives it. */
export interface Fetched {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Of the last redirect. */
  readonly url: URL
  readonly body: AsyncIterable<Uint8Array>
  discard(): void
}

export type Fetch = (request: {
  readonly method: 'GET'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}) => Promise<Fetched>

/** What contexts need of the engine: where things are, and other folders' doors. */
export interface ContextTools {
  /** graphroot/tmp: work folders. */
  readonly tmp: string
  /** graphroot/cache: what is known of downloads. */
  readonly cache: string
  /** The caller's environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly fetch: Fetch
  /** Whether bytes begin an archive, as far as the first 512 tell. */
  isArchive(start: Uint8Array): boolean
  /** Unpacks an archive, compressed or not: owners are not kept, nothing leads out of the folder. */
  unpack(archive: AsyncIterable<Uint8Array>, folder: string, signal: AbortSignal | undefined): Promise<void>
  /** Removes a folder, whatever modes are in it. */
  remove(folder: string): Promise<void>
  digestOf(bytes: Uint8Array): Promise<Digest>
}
