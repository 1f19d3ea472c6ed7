import { archiveOutput } from '../archive-output.js'
import { streamWriter } from '../images/stream-writer.js'
import type { BuildCaller } from './request.js'

/** A Dockerfile has at most so many bytes; what is longer need not be read to its end to be refused. */
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

/** As it is: the engine says what is wrong with it. */
async function inputText(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of inputBytes()) {
    chunks.push(chunk)
    size += chunk.length
    if (size > longest) break
  }
  return Buffer.concat(chunks)
}
