import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hostMapping } from '../../rootless/ladder.js'
import type { LaunchPlan } from '../../src/runtime/protocol.js'
import { hasCrun, hasRange } from '../helpers/bundle.js'
import { ended, runFolder, type RunFolder, skipReason } from '../helpers/run-folder.js'

/** Runs the folder's container, its plan changed, and gives what it printed; a failure explains itself. */
async function output(folder: RunFolder, change: Partial<LaunchPlan> = {}): Promise<string> {
  await writeFile(join(folder.runDir, 'launch.json'), JSON.stringify({ ...folder.plan, ...change }))
  const { status, stdout, stderr } = await ended(folder.launch(['--attach=stdout,stderr']))
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

describe.skipIf(skipReason)(`a launch plan${skipReason === undefined ? '' : ` (${skipReason})`}`, () => {
  test('mounts more layers than a page of options would hold, with names longer than fsconfig takes', async () => {
    await using folder = await runFolder(['sh', '-c', 'cat /0 /149'])
    const deep = join(folder.path, 'x'.repeat(200), 'y'.repeat(200))
    const layers: string[] = []
    for (let index = 0; index < 150; index += 1) {
      const layer = join(index % 2 === 0 ? deep : folder.path, `layer${index}`)
      await mkdir(layer, { recursive: true })
      await writeFile(join(layer, String(index)), `${index};`)
      layers.push(layer)
    }
    const { rootfs } = folder.plan
    if (rootfs.driver === 'dir') throw new Error('not an overlay')
    expect(await output(folder, { rootfs: { ...rootfs, lower: [...layers, ...rootfs.lower] } })).toBe('0;149;')
  })

  test('runs the built-in init, which reaps and passes the status on', async () => {
    await using folder = await runFolder(['sh', '-c', '(sleep 0 &) ; cat /proc/1/comm; echo $$'])
    expect(await output(folder, { init: true })).toBe('tspod-init\n2\n')
  })

  test('appends an entry for a user that the image does not know', async () => {
    await using folder = await runFolder(['cat', '/etc/passwd'])
    await writeFile(join(folder.path, 'root/etc/passwd'), 'root:x:0:0:::\n')
    const user = { spec: '0', groupAdd: [], setHome: false, passwdEntry: 'me:x:5:5::/home/me:/bin/sh' }
    expect(await output(folder, { user })).toBe('root:x:0:0:::\nme:x:5:5::/home/me:/bin/sh\n')
    expect(await readFile(join(folder.path, 'root/etc/passwd'), 'utf8')).toBe('root:x:0:0:::\n')
    expect(await output(folder, { user: { ...user, passwdEntry: 'me:x:0:0::/:/bin/sh' } })).toBe('root:x:0:0:::\n')
  })

  test('joins the namespaces of another container', async () => {
    await using donor = await runFolder(['sleep', '1000'])
    donor.launch(['--detach'])
    const { pid } = await donor.state((state) => state.status === 'running')
    await using folder = await runFolder(['cat', '/proc/1/comm'])
    const file = join(folder.runDir, 'config.json')
    const config = JSON.parse(await readFile(file, 'utf8')) as { linux: { namespaces: unknown } }
    config.linux.namespaces = [
      { type: 'mount' },
      { type: 'pid', path: `/proc/${pid}/ns/pid` },
      { type: 'network', path: `/proc/${pid}/ns/net` },
    ]
    await writeFile(file, JSON.stringify(config))
    const userns = { ...folder.plan.userns, mode: 'join', path: `/proc/${pid}/ns/user` } as const
    expect(await output(folder, { userns, network: { mode: 'join', loopback: false } })).toBe('sleep\n')
  })

  test.skipIf(!hasRange)('nests a user namespace in which the user keeps its id (needs a range in /etc/subuid)', async () => {
    const { plan } = await hostMapping()
    const keep = [
      { containerID: 0, hostID: 1, size: 1000 },
      { containerID: 1000, hostID: 0, size: 1 },
    ]
    await using folder = await runFolder(['cat', '/proc/self/uid_map'])
    const text = await output(folder, { userns: { ...plan, nested: { uidMappings: keep, gidMappings: keep } } })
    expect(text.split('\n').map((line) => line.trim().split(/ +/).join(' '))).toEqual(['0 1 1000', '1000 0 1', ''])
  })

  test.skipIf(!hasCrun)('lets crun make the container (needs crun)', async () => {
    await using folder = await runFolder(['sh', '-c', 'echo $HOME; echo made by crun'])
    const user = { spec: '0', groupAdd: [], setHome: true }
    expect(await output(folder, { runtime: ['crun'].map(inPath), user })).toBe('/\nmade by crun\n')
  })

  test('names the member of the plan that it does not know', async () => {
    await using folder = await runFolder(['true'])
    await writeFile(join(folder.runDir, 'launch.json'), JSON.stringify({ ...folder.plan, colour: 'blue' }))
    const { status, stderr } = await ended(folder.launch(['--attach=stdout,stderr']))
    expect(status).toBe(125)
    expect(stderr).toContain('colour: unknown member')
  })
})

function inPath(name: string): string {
  return (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? name
}
