import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findCommand } from '../../../../src/engine/system/find-command.js'
import { distributionOf, durationText } from '../../../../src/engine/system/info.js'

const folder = mkdtempSync(join(tmpdir(), 'tspod-find-'))
beforeAll(() => {
  mkdirSync(join(folder, 'a'))
  mkdirSync(join(folder, 'b'))
  writeFileSync(join(folder, 'a', 'tool'), '', { mode: 0o644 })
  writeFileSync(join(folder, 'a', 'data'), '', { mode: 0o644 })
  writeFileSync(join(folder, 'b', 'tool'), '')
  chmodSync(join(folder, 'b', 'tool'), 0o755)
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a command is the first program of that name in PATH', () => {
  expect(findCommand('tool', `${folder}/none:${folder}/a:${folder}/b`)).toBe(`${folder}/b/tool`)
  expect(findCommand(`${folder}/b/tool`, '')).toBe(`${folder}/b/tool`)
})

test.each([
  ['nothing', 'exec-not-found'],
  ['data', 'exec-not-executable'],
  [`${folder}/a/data`, 'exec-not-executable'],
  [folder, 'exec-not-executable'],
  [`${folder}/nothing`, 'exec-not-found'],
])('%s is %s', (name, code) => {
  expect(() => findCommand(name, `${folder}/a:${folder}/b`)).toThrow(expect.objectContaining({ code }))
})

test('the distribution is what os-release says', () => {
  expect(distributionOf('NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n')).toEqual({
    distribution: 'debian',
    version: '12',
    codename: 'bookworm',
  })
  expect(distributionOf('')).toEqual({ distribution: 'unknown', version: 'unknown', codename: '' })
})

test('an uptime is hours, minutes and seconds', () => {
  expect(durationText(3 * 3600 + 5 * 60 + 7.9)).toBe('3h 5m 7s')
})
