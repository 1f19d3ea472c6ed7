import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { statfs, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A file system of a few megabytes in namespaces of the user's own; it goes when it is closed. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is seen from outside. */
  readonly path: string
  /** Where it is within. */
  readonly inside: string
  /** A command that runs within, as the root of the namespace. */
  command(...args: readonly string[]): { readonly program: string; readonly args: readonly string[] }
  /** Bytes that are in use, the filling's not counted. */
  used(): Promise<number>
  /** Fills it up until so many bytes are free. */
  leave(bytes: number): Promise<void>
}

/** A tmpfs in a user and a mount namespace, which a process holds that does nothing else. */
export async function smallDisk(size: number): Promise<SmallDisk> {
  const script = `mount -t tmpfs -o size=${String(size)},mode=755 tmpfs /mnt && echo ready && exec cat`
  const child = spawn('unshare', ['--user', '--map-root-user', '--map-auto', '--mount', 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  if (line !== 'ready' || child.pid === undefined) throw new Error('a tmpfs cannot be mounted in a user namespace')
  const pid = String(child.pid)
  const path = `/proc/${pid}/root/mnt`
  const filling = join(path, 'filling')
  let filled = 0
  const stat = async (): Promise<{ used: number; free: number }> => {
    const { blocks, bfree, bsize } = await statfs(path)
    return { used: (blocks - bfree) * bsize, free: bfree * bsize }
  }
  return {
    path,
    inside: '/mnt',
    command: (...args) => ({
      program: 'nsenter',
      args: ['--target', pid, '--user', '--mount', '--setuid', '0', '--setgid', '0', '--', ...args],
    }),
    used: async () => (await stat()).used - filled,
    async leave(bytes) {
      await writeFile(filling, '')
      await truncate(filling, 0)
      filled = 0
      const { free } = await stat()
      const more = Math.max(0, free - bytes)
      await writeFile(filling, Buffer.alloc(more, 1))
      filled = Math.ceil(more / 4096) * 4096
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}
