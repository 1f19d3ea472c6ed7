import { writeSync } from 'node:fs'

/**
 * Everything the command line prints goes through here: by descriptor and at once, never by process.stdout, which
 * would make pipes non-blocking for whoever shares them. A reader that went away is not an error worth words.
 */
export function writeOutput(text: string | Uint8Array): void {
  writeFully(1, text)
}

export function writeError(text: string | Uint8Array): void {
  writeFully(2, text)
}

function writeFully(fd: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text
  let offset = 0
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EAGAIN') waitBriefly()
      else if (code === 'EPIPE') endQuietly()
      else if (fd === 2) return
      else throw error
    }
  }
}

/** Somebody else made the pipe non-blocking and it is full. */
function waitBriefly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
}

/** As a program that the kernel would have ended with SIGPIPE (128 + 13), like `tspod ps | head -1`. */
function endQuietly(): never {
  process.exit(141)
}
