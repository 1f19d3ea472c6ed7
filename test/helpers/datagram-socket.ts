import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'

/** A unix datagram socket, which Node has not, held by Perl, which every Debian has: a service manager's, or journald's. */
export interface DatagramSocket extends AsyncDisposable {
  readonly path: string
  /** Resolves with the first datagram of which `wanted` is true. */
  until(wanted: (datagram: Buffer) => boolean): Promise<Buffer>
  readonly datagrams: readonly Buffer[]
}

const program = `
use Socket;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die; chmod 0666, $ARGV[0];
$| = 1; print "0\\n";
while (defined recv($s, my $data, 1 << 20, 0)) { print length($data), "\\n", $data }
`

export async function datagramSocket(path: string): Promise<DatagramSocket> {
  const child = spawn('perl', ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const datagrams: Buffer[] = []
  const looks = new Set<() => void>()
  let rest = Buffer.alloc(0)
  child.stdout.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    for (;;) {
      const end = rest.indexOf(10)
      const length = end < 0 ? Number.NaN : Number(rest.toString('latin1', 0, end))
      if (Number.isNaN(length) || rest.length < end + 1 + length) break
      if (length > 0) datagrams.push(rest.subarray(end + 1, end + 1 + length))
      rest = rest.subarray(end + 1 + length)
    }
    for (const look of looks) look()
  })
  await once(child.stdout, 'data')
  return {
    path,
    datagrams,
    until: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = datagrams.find(wanted)
          if (found === undefined) return
          looks.delete(look)
          resolve(found)
        }
        looks.add(look)
        look()
      }),
    async [Symbol.asyncDispose]() {
      child.kill()
      await once(child, 'close')
      await rm(path)
    },
  }
}

/** Sends one datagram to a unix socket. */
export async function sendDatagram(path: string, text: string): Promise<void> {
  const send =
    'use Socket; socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; send($s, $ARGV[1], 0, pack_sockaddr_un($ARGV[0])) or die'
  const child = spawn('perl', ['-e', send, path, text], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new Error(`nobody takes a datagram at ${path}`)
}
