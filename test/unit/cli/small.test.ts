import { describe, expect, test } from 'vitest'
import { TspodError } from '../../../src/base/errors.js'
import { engineOptions, takeGlobalOptions } from '../../../src/cli/argv.js'
import { exitStatusOf, messageOf } from '../../../src/cli/exit-status.js'
import { parseDetachKeys } from '../../../src/cli/foreground.js'
import { inOrder } from '../../../src/cli/in-order.js'
import { nearest } from '../../../src/cli/nearest.js'

describe('global options', () => {
  test('stand before the command, which begins the rest', () => {
    const { options, rest } = takeGlobalOptions(['--root', '/r', '--log-level=debug', 'run', '--root', '/x'], {})
    expect(options).toEqual({ root: '/r', 'log-level': 'debug' })
    expect(rest).toEqual(['run', '--root', '/x'])
  })

  test('the environment gives what the command line does not', () => {
    const { options } = takeGlobalOptions(['--root', '/r'], {
      TSPOD_ROOT: '/e',
      TSPOD_RUNROOT: '/f',
      TSPOD_RUNTIME: '',
    })
    expect(options).toEqual({ root: '/r', runroot: '/f' })
  })

  test('an unknown one is refused', () => {
    expect(() => takeGlobalOptions(['--rooot', '/r'], {})).toThrow('unknown flag: --rooot; did you mean --root?')
  })

  test('wrong values name the choices', () => {
    expect(() => engineOptions({ 'log-level': 'debg' })).toThrow('did you mean debug?')
    expect(() => engineOptions({ 'storage-driver': 'zfs' })).toThrow('choose one of overlay, fuse-overlayfs, copy')
    expect(engineOptions({ 'log-level': 'warning', 'storage-driver': 'vfs' })).toEqual({
      logLevel: 'warn',
      storageDriver: 'copy',
    })
  })
})

describe('errors', () => {
  test('a message is one line, with the causes that add something', () => {
    const error = new TspodError('io', 'reading the file', {
      cause: new Error('ENOENT: no such\n  file', { cause: new Error('no such') }),
    })
    expect(messageOf(error)).toBe('reading the file: ENOENT: no such file')
  })

  test('what others wrote cannot move the cursor', () => {
    expect(messageOf(new Error('bad \u001b[2Jname'))).toBe('bad ?[2Jname')
  })

  test('codes become exit statuses', () => {
    expect(exitStatusOf(new TspodError('exec-not-found', ''))).toBe(127)
    expect(exitStatusOf(new TspodError('exec-not-executable', ''))).toBe(126)
    expect(exitStatusOf(new TspodError('no-such-container', ''))).toBe(125)
    expect(exitStatusOf(new TspodError('no-such-container', ''), { 'no-such-container': 1 })).toBe(1)
    expect(exitStatusOf(new Error('x'))).toBe(125)
  })
})

test.each([
  ['rnu', 'run'],
  ['complation', 'completion'],
  ['imges', 'images'],
  ['xyzzy', undefined],
])('%s could be %s', (typed, expected) => {
  expect(nearest(typed, ['run', 'images', 'completion', 'ps'])).toBe(expected)
})

test('work is done side by side, and told in order, failures included', async () => {
  let running = 0
  let most = 0
  const outcomes = []
  const work = inOrder([3, 1, 2, 0], 2, async (item) => {
    most = Math.max(most, ++running)
    for (let turn = 0; turn < item; turn++) await Promise.resolve()
    running -= 1
    if (item === 1) throw new Error('one')
    return item
  })
  for await (const outcome of work) outcomes.push('value' in outcome ? outcome.value : String(outcome.error))
  expect(outcomes).toEqual([3, 'Error: one', 2, 0])
  expect(most).toBe(2)
})

test('detach keys', () => {
  expect(parseDetachKeys('ctrl-p,ctrl-q')).toBe('ctrl-p,ctrl-q')
  expect(parseDetachKeys('')).toBe('')
  expect(() => parseDetachKeys('ctrl-P')).toThrow('invalid detach key "ctrl-P"')
  expect(() => parseDetachKeys('ab')).toThrow('invalid detach key "ab"')
})
