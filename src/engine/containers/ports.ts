import { createServer } from 'node:net'
import { createSocket } from 'node:dgram'
import { TspodError } from '../../base/errors.js'
import type { CompleteSpec } from '../../container/complete-spec.js'
import type { ExposeSpec, PortSpec } from '../../container/spec.js'

const attempts = 50

/** Gives every published port a host port: exposed ones too, where all were to be published. */
export async function assignPorts(spec: CompleteSpec): Promise<CompleteSpec> {
  const asked = [...spec.publish, ...(spec.publishAll ? spec.expose.filter(isNew(spec.publish)).map(fromExposed) : [])]
  const taken = new Set(asked.flatMap((port) => hostPorts(port)))
  const publish: PortSpec[] = []
  for (const port of asked) {
    if (port.hostPort !== undefined && port.hostPort !== 0) {
      publish.push(port)
      continue
    }
    const hostPort = await freeRange(port, taken)
    const given = { ...port, hostPort }
    for (const key of hostPorts(given)) taken.add(key)
    publish.push(given)
  }
  requireDistinct(publish)
  return { ...spec, publish }
}

function fromExposed({ port, range, protocol }: ExposeSpec): PortSpec {
  return { containerPort: port, range, protocol }
}

function isNew(publish: readonly PortSpec[]) {
  return (exposed: ExposeSpec): boolean =>
    !publish.some((port) => port.containerPort === exposed.port && port.protocol === exposed.protocol)
}

function hostPorts({ hostIp = '', hostPort, range, protocol }: PortSpec): string[] {
  if (hostPort === undefined || hostPort === 0) return []
  return Array.from({ length: range }, (_, index) => `${hostIp}/${protocol}/${hostPort + index}`)
}

function requireDistinct(publish: readonly PortSpec[]): void {
  const seen = new Set<string>()
  for (const key of publish.flatMap((port) => hostPorts(port))) {
    if (seen.has(key)) throw new TspodError('invalid-argument', `host port ${key.split('/').at(-1)} is published twice`)
    seen.add(key)
  }
}

async function freeRange(port: PortSpec, taken: ReadonlySet<string>): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const first = await freePort(port)
    const candidate = { ...port, hostPort: first }
    if (first + port.range <= 65_536 && !hostPorts(candidate).some((key) => taken.has(key))) return first
  }
  throw new TspodError(
    'invalid-argument',
    `no ${port.range} free host ports in a row for container port ${port.containerPort}`,
  )
}

/** Asks the kernel for one that is free now. It may be taken until the start, which then says so. */
function freePort({ hostIp, protocol }: PortSpec): Promise<number> {
  return protocol === 'udp' ? freeUdpPort(hostIp) : freeTcpPort(hostIp)
}

function freeTcpPort(hostIp: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, hostIp, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

function freeUdpPort(hostIp: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(hostIp?.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', reject)
    socket.bind(0, hostIp, () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}
