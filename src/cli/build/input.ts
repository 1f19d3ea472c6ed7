import { TspodError } from '../../base/errors.js'
import { archiveOutput } from '../archive-output.js'
import { streamWriter } from '../images/stream-writer.js'
import type { BuildCaller } from './request.js'

/** A Dockerfile has at most so many bytes; those in files are measured by who reads them. */
const longest = 16 << 20

/** What this process is asked from: its environment, its standard input and output. */
export function buildCaller(given: (flag: string) => boolean): BuildCaller {
  return {
    env: process.env,
    given,
    input: { bytes: inputBytes, text: inputText },
    output: () => {
      archiveOutput(undefined)
      return streamWriter(1)
    },
  }
}

async function* inputBytes(): AsyncGenerator<Uint8Array> {
  for await (const chunk of process.stdin) yield chunk as Buffer
}

async function inputText(): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of inputBytes()) {
    size += chunk.length
    if (size > longest) throw new TspodError('limit-exceeded', 'the Dockerfile on the standard input is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
