import { openEngine, type ContainerHandle } from 'tspod'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** A test that starts a server in a container and talks to it. It leaves nothing behind, even if it is killed. */
let server: ContainerHandle

beforeAll(async () => {
  const engine = await openEngine()
  server = await engine.containers.run({
    image: 'busybox',
    command: ['sh', '-c', 'echo hello > /tmp/index.html; exec httpd -f -p 80 -h /tmp'],
    publish: [{ containerPort: 80, range: 1, protocol: 'tcp' }],
    lifetime: 'process',
  })
})

afterAll(async () => {
  await server.remove()
})

test('the server answers', async () => {
  const { host, port } = server.port(80)
  const answer = await waitFor(() => fetch(`http://${host}:${String(port)}/`))
  expect(await answer.text()).toBe('hello\n')
})

test('a command in its container sees its files', async () => {
  const process = await server.exec(['cat', '/tmp/index.html'])
  expect((await process.output()).stdout).toBe('hello\n')
})

/** A server may need a moment from its start until it listens. */
async function waitFor<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
