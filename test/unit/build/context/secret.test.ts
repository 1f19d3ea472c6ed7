import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openSecrets, type SecretSource } from '../../../../src/build/context/secret.js'

const folder = mkdtempSync(join(tmpdir(), 'tspod-secret-'))
const file = join(folder, 'file')
writeFileSync(file, Buffer.from([0, 255, 10]))
writeFileSync(join(folder, 'large'), Buffer.alloc(500 * 1024 + 1))
writeFileSync(join(folder, 'fits'), Buffer.alloc(500 * 1024))
afterAll(() => rmSync(folder, { recursive: true }))

const ofFile = (path: string, id = 'one'): SecretSource => ({ id, source: { type: 'file', path } })
const ofEnv = (name: string, id = 'one'): SecretSource => ({ id, source: { type: 'env', name } })

test('are the bytes of files and of variables', async () => {
  const values = await openSecrets([ofFile(file, 'f'), ofEnv('TOKEN', 'e'), ofFile(join(folder, 'fits'))], {
    TOKEN: 't',
  })
  expect(values.get('f')).toEqual(Buffer.from([0, 255, 10]))
  expect(values.get('e')?.toString()).toBe('t')
  expect(values.get('one')).toHaveLength(500 * 1024)
})

describe('are refused if', () => {
  const cases: [string, SecretSource[], RegExp][] = [
    ['a file is missing', [ofFile(join(folder, 'nothing'))], /no such file/],
    ['a file is a folder', [ofFile(folder)], /is a folder/],
    ['a file is too large', [ofFile(join(folder, 'large'))], /larger than 500 KiB/],
    ['a file has no end', [ofFile('/dev/zero')], /larger than 500 KiB/],
    ['a variable is not set', [ofEnv('NOTHING')], /NOTHING is not set/],
    ['a variable is too large', [ofEnv('LARGE')], /larger than 500 KiB/],
    ['two have one id', [ofFile(file), ofEnv('TOKEN')], /given twice/],
  ]
  test.each(cases)('%s', async (_, secrets, message) => {
    const env = { TOKEN: 'value', LARGE: 'value'.repeat(200_000) }
    const error: unknown = await openSecrets(secrets, env).catch((why: unknown) => why)
    expect(error).toMatchObject({ message: expect.stringMatching(message) as string })
    expect(String(error)).not.toContain('value')
  })
})
