import { expect, test } from 'vitest'

import {
  allCapabilities,
  capabilityName,
  defaultCapabilities,
  mergeCapabilities,
} from '../../../src/container/capabilities.js'

const cases: [add: string[], drop: string[], expected: readonly string[]][] = [
  [[], [], defaultCapabilities],
  [[], ['all'], []],
  [['net_raw'], ['ALL'], ['CAP_NET_RAW']],
  [['ALL'], ['net_raw'], allCapabilities.filter((name) => name !== 'CAP_NET_RAW')],
  [['CAP_CHOWN'], [], defaultCapabilities],
]

test.each(cases)('adding %j and dropping %j', (add, drop, expected) => {
  expect(mergeCapabilities(defaultCapabilities, add, drop).toSorted()).toEqual([...expected].sort())
})

test('a capability cannot be added and dropped at once', () => {
  expect(() => mergeCapabilities([], ['chown'], ['CHOWN'])).toThrow('cannot be dropped and added')
})

test('names of containers.conf have no prefix', () => {
  expect(mergeCapabilities(['CHOWN', 'KILL'], [], [])).toEqual(['CAP_CHOWN', 'CAP_KILL'])
})

test('an unknown capability is refused', () => {
  expect(() => capabilityName('fly')).toThrow('unknown capability "fly"')
})
