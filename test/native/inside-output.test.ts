import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'

import { runInside } from '../../src/storage/inside.js'

test('what a verb wrote is there for a reader who comes after its end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tspod-output-'))
  try {
    await writeFile(join(folder, 'file'), 'here\n')
    let text = ''
    await runInside('pack', undefined, ['--no-userns', '--root', folder, '--compression', 'none'], {
      async output(chunks) {
        await expect.poll(() => (chunks as PassThrough).writableFinished).toBe(true)
        for await (const chunk of chunks) text += String(chunk)
      },
    })
    expect(text).toContain('here\n')
  } finally {
    await rm(folder, { recursive: true })
  }
})
