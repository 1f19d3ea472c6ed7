import { write } from 'node:fs'

/** Writes whole chunks to a descriptor, waiting where a pipe is full. */
export function streamWriter(fd: number): (chunk: Uint8Array) => Promise<void> {
  return async (chunk) => {
    for (let at = 0; at < chunk.length;) at += await writeSome(fd, chunk.subarray(at))
  }
}

function writeSome(fd: number, chunk: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const attempt = (): void => {
      write(fd, chunk, (error, count) => {
        if (error === null) resolve(count)
        /* Somebody made the pipe non-blocking: there is nothing to wait on but time. */ else if (
          error.code === 'EAGAIN'
        )
          setTimeout(attempt, 2)
        else reject(error)
      })
    }
    attempt()
  })
}
