import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { explain, type TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore

beforeAll(async () => {
  tspod = await busyboxStore()
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

const sleeper = (name: string, ...options: string[]) =>
  tspod.ok(['run', '-d', '--network', 'none', '--name', name, ...options, image, 'sleep', '1000'])

test('a container whose record cannot be read stops no command on the others', async () => {
  const id = await tspod.ok(['create', '--name', 'broken', image, 'true'])
  writeFileSync(join(tspod.root, 'containers', id, 'changes.json'), '{"version":1,"name":"../x"}')
  await sleeper('sound')
  for (const command of [
    ['ps', '-a'],
    ['stats', '--no-stream'],
    ['port', '--all'],
    ['top', 'sound'],
  ]) {
    const result = await tspod.run(command)
    expect(result.status, explain(result)).toBe(0)
  }
  await tspod.ok(['rm', '-f', 'broken'])
})

describe('a state that cannot be read', () => {
  const spoil = async (name: string): Promise<void> => {
    const id = await tspod.ok(['inspect', '-f', '{{.Id}}', name])
    writeFileSync(join(tspod.root, 'containers', id, 'state.json'), '{"status":"run')
  }

  test('stops no command on the others, and is written anew by the monitor when the store is repaired', async () => {
    await sleeper('spoiled')
    await sleeper('intact')
    await spoil('spoiled')
    const listed = await tspod.run(['ps', '-a', '--format', '{{.Names}}', '--filter', 'name=^(spoiled|intact)$'])
    expect([listed.stdout, listed.stderr]).toEqual(['intact\n', expect.stringContaining('system check --repair')])
    for (const words of [['stats', '--no-stream'], ['info'], ['system', 'df'], ['stop', '-t', '0', 'intact']])
      expect((await tspod.run(words)).status, words.join(' ')).toBe(0)
    expect((await tspod.run(['inspect', 'spoiled'])).stderr).toContain('state.json is not valid JSON')
    expect((await tspod.run(['system', 'check'])).status).toBe(125)
    await tspod.ok(['system', 'check', '--repair', '--quick'])
    expect(await tspod.ok(['inspect', '-f', '{{.State.Status}}', 'spoiled'])).toBe('running')
    await tspod.ok(['rm', '-f', '-t', '0', 'spoiled', 'intact'])
  })

  test('is told once, and does not keep a container from another name', async () => {
    await sleeper('unread')
    await spoil('unread')
    expect((await tspod.run(['info'])).stderr.match(/is left out/g)).toHaveLength(1)
    await tspod.ok(['rename', 'unread', 'renamed-unread'])
    await tspod.ok(['rm', '-f', '-t', '0', 'renamed-unread'])
  })

  test('does not keep rm -f from ending and removing the container', async () => {
    await sleeper('damaged')
    const pid = await tspod.ok(['inspect', '-f', '{{.State.Pid}}', 'damaged'])
    await spoil('damaged')
    await tspod.ok(['rm', '-f', 'damaged'])
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    expect((await tspod.run(['container', 'exists', 'damaged'])).status).toBe(1)
  })
})

test('a container whose monitor is gone cannot be attached to, and says so', async () => {
  await sleeper('orphan')
  process.kill(Number(await tspod.ok(['inspect', '-f', '{{.State.ConmonPid}}', 'orphan'])), 'SIGKILL')
  const result = await tspod.run(['attach', 'orphan'])
  expect(result.status, explain(result)).toBe(125)
  expect(result.stderr).toContain('cannot attach to container orphan: its monitor is gone')
  await tspod.ok(['rename', 'orphan', 'foundling'])
  await tspod.ok(['rm', '-f', '-t', '0', 'foundling'])
})
