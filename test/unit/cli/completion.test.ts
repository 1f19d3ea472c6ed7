import { expect, test } from 'vitest'
import { complete } from '../../../src/cli/completion/complete.js'
import type { Manifest } from '../../../src/cli/manifest.js'

const manifest: Manifest = {
  commands: {
    run: {
      id: 'run',
      aliases: ['container:run'],
      summary: 'Run',
      fenced: true,
      completes: ['image', 'none'],
      flags: {
        detach: { name: 'detach', type: 'boolean', char: 'd' },
        name: { name: 'name', type: 'option' },
        publish: { name: 'publish', type: 'option', char: 'p' },
        pull: { name: 'pull', type: 'option', options: ['always', 'never'] },
        'volumes-from': { name: 'volumes-from', type: 'option' },
        network: { name: 'network', type: 'option' },
        pod: { name: 'pod', type: 'option', hidden: true },
      },
    },
    stop: { id: 'stop', aliases: [], completes: ['running'], flags: {} },
    'image:ls': { id: 'image:ls', aliases: ['images'], flags: {} },
    'image:prune': { id: 'image:prune', aliases: [], flags: {} },
    completion: { id: 'completion', aliases: [], args: { shell: { options: ['bash', 'zsh'] } }, flags: {} },
    __complete: { id: '__complete', aliases: [], hidden: true, flags: {} },
  },
}

const names = (kind: string) => Promise.resolve([`${kind}-1`, `${kind}-2`])

test.each<[string, string[], boolean]>([
  ['', ['run', 'container', 'stop', 'image', 'images', 'completion'], false],
  ['st', ['stop'], false],
  ['image ', ['ls', 'prune'], false],
  ['container r', ['run'], false],
  ['--log', ['--log-level'], false],
  ['--root ', [], true],
  ['--root /x st', ['stop'], false],
  ['--root=/x st', ['stop'], false],
  ['run --p', ['--publish', '--pull'], false],
  ['run --pod', [], false],
  ['run --pull ', ['always', 'never'], false],
  ['run --pull=a', ['--pull=always'], false],
  ['run --name ', [], true],
  ['run --volumes-from ', ['container-1', 'container-2'], false],
  ['run --network ', ['slirp4netns', 'host', 'none', 'donor-1', 'donor-2'], false],
  ['run --network=donor', ['--network=donor-1', '--network=donor-2'], false],
  ['--log-level ', ['trace', 'debug', 'info', 'warn', 'error'], false],
  ['--log-level d', ['debug'], false],
  ['--log-level debug st', ['stop'], false],
  ['run -dp ', [], true],
  ['run -p80 ', ['image-1', 'image-2'], false],
  ['run -d ', ['image-1', 'image-2'], false],
  ['container run image-', ['image-1', 'image-2'], false],
  ['run image-1 ', [], true],
  ['run image-1 --na', [], true],
  ['run -- --na', [], false],
  ['stop a running-2', ['running-2'], false],
  ['completion ', ['bash', 'zsh'], false],
  ['nosuch ', [], false],
])('%s', async (line, expected, files) => {
  const completion = await complete(line.split(' '), manifest, names)
  expect({ words: completion.candidates.map(({ word }) => word), files: completion.files }).toEqual({
    words: expected,
    files,
  })
})
