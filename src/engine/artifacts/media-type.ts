/** First bytes, and what begins so (WHATWG, “MIME Sniffing”, as far as files of artifacts go). */
const signatures: readonly (readonly [Buffer | string, string])[] = [
  ['%PDF-', 'application/pdf'],
  ['%!PS-Adobe-', 'application/postscript'],
  [Buffer.from('89504e470d0a1a0a', 'hex'), 'image/png'],
  [Buffer.from('ffd8ff', 'hex'), 'image/jpeg'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['BM', 'image/bmp'],
  ['OggS\0', 'application/ogg'],
  ['MThd\0\0\0\x06', 'audio/midi'],
  ['ID3', 'audio/mpeg'],
  [Buffer.from('1a45dfa3', 'hex'), 'video/webm'],
  [Buffer.from('0061736d', 'hex'), 'application/wasm'],
  ['PK\x03\x04', 'application/zip'],
  [Buffer.from('1f8b08', 'hex'), 'application/x-gzip'],
  ['Rar!\x1a\x07', 'application/x-rar-compressed'],
]
const markup: readonly (readonly [RegExp, string])[] = [
  [/^\s*<(?:!doctype html|html|head|script|body|!--)[\s>]/i, 'text/html'],
  [/^\s*<\?xml/i, 'text/xml'],
]

/** What a file looks like by its first 512 bytes: a type that an OCI descriptor may have, so without parameters. */
export function mediaTypeOf(start: Buffer): string {
  for (const [bytes, type] of signatures) {
    const signature = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    if (start.subarray(0, signature.length).equals(signature)) return type
  }
  const text = start.toString('latin1')
  for (const [pattern, type] of markup) if (pattern.test(text)) return type
  const isText = /^(?:\xef\xbb\xbf|\xfe\xff|\xff\xfe)/.test(text) || !/[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(text)
  return isText ? 'text/plain' : 'application/octet-stream'
}
