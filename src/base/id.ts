import { closeSync, openSync, readSync } from 'node:fs'

/** A new random ID: 64 hexadecimal digits. Read from the kernel, since node:crypto takes 4 ms to load. */
export function newId(): string {
  return randomBytes(32).toString('hex')
}

/** So many bytes from /dev/urandom. */
export function randomBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  const fd = openSync('/dev/urandom', 'r')
  try {
    for (let filled = 0; filled < length;) filled += readSync(fd, bytes, filled, length - filled, null)
  } finally {
    closeSync(fd)
  }
  return bytes
}

/** Whether a text is a whole ID. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/** Whether a text could be the beginning of an ID. */
export function isIdPrefix(text: string): boolean {
  return /^[0-9a-f]{1,64}$/.test(text)
}
