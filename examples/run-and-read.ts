import { openEngine } from 'tspod'

/** Runs a command in a container, feeds it, and reads what it says. */
const engine = await openEngine()

{
  await using container = await engine.containers.run({
    image: 'busybox',
    command: ['sort'],
    interactive: true,
    network: { mode: 'none' },
    lifetime: 'process',
  })
  container.stdin.end('b\na\nc\n')
  const { exitCode, stdout } = await container.output()
  console.log(`sort ended with ${String(exitCode)} and said ${JSON.stringify(stdout)}`)
}

for (const { name, image, status } of await engine.containers.list({ all: true })) console.log(name, image, status)
