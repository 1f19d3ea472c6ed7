import { describe, expect, test } from 'vitest'
import type { IdMapping } from '../../../src/oci/runtime-spec.js'
import {
  compose,
  freeBlock,
  keepIdMap,
  mapSize,
  normalize,
  overrideMap,
  requireValidMap,
  rootedMap,
  splitAlong,
  toContainer,
  toHost,
  without,
} from '../../../rootless/id-map.js'

/** `0:1000:1 1:100000:65536` */
function map(text: string): IdMapping[] {
  return text.split(' ').map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.split(':').map(Number)
    return { containerID, hostID, size }
  })
}

function text(lines: readonly IdMapping[]): string {
  return lines.map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`).join(' ')
}

test('root is the user, the rest are the ranges one after the other', () => {
  expect(
    text(
      rootedMap(1000, [
        { start: 100000, count: 65536 },
        { start: 300000, count: 10 },
      ]),
    ),
  ).toBe('0:1000:1 1:100000:65536 65537:300000:10')
})

test("the user's own id in a range is not mapped twice", () => {
  expect(text(rootedMap(1000, [{ start: 999, count: 3 }]))).toBe('0:1000:1 1:999:1 2:1001:1')
  expect(without([{ start: 5, count: 1 }], 5)).toEqual([])
})

test('a map has no more lines than the kernel takes', () => {
  const ranges = Array.from({ length: 1000 }, (_, index) => ({ start: 100000 + index * 10, count: 5 }))
  expect(rootedMap(1000, ranges)).toHaveLength(340)
})

test.each([
  ['0:1000:1 1:100000:65536', 0, 1000],
  ['0:1000:1 1:100000:65536', 65536, 165535],
  ['0:1000:1 1:100000:65536', 65537, undefined],
])('in %s the inner id %i is %s outside, and back', (lines, inside, outside) => {
  expect(toHost(map(lines), inside)).toBe(outside)
  if (outside !== undefined) expect(toContainer(map(lines), outside)).toBe(inside)
})

test.each([
  ['0:1000:1 1:100000:65536', '0:0:65537', '0:1000:1 1:100000:65536'],
  ['0:1000:1 1:100000:65536', '0:1:1000 1000:0:1', '0:100000:1000 1000:1000:1'],
  ['0:1000:1 1:100000:10', '0:5:100', '0:100004:6'],
  ['0:1000:1', '0:1:10', ''],
])('inside %s the map %s is %s on the host', (outer, inner, result) => {
  expect(text(compose(map(outer), map(inner)))).toBe(result)
})

test('neighbours are joined', () => {
  expect(text(normalize(map('5:5:5 0:0:5 20:20:1')))).toBe('0:0:10 20:20:1')
})

test.each([
  ['0:1000:1 1:100000:65536', '0:0:10', '0:0:1 1:1:9'],
  ['0:1000:1 1:100000:65536', '100:5:10', '100:5:10'],
  ['0:1000:1 1:100000:10 11:300000:10', '0:5:10', '0:5:6 6:11:4'],
])('over %s the map %s is written %s', (outer, inner, lines) => {
  expect(text(splitAlong(map(outer), map(inner)))).toBe(lines)
})

describe('keep-id', () => {
  test.each([
    [1000, 65537, '0:1:1000 1000:0:1 1001:1001:64536'],
    [0, 65537, '0:0:1 1:1:65536'],
    [1000, 1, '1000:0:1'],
    [1000, 501, '0:1:500 1000:0:1'],
    [70000, 65537, '0:1:65536 70000:0:1'],
  ])('user %i with %i ids', (target, available, result) => {
    const lines = keepIdMap(target, available)
    expect(text(lines)).toBe(result)
    expect(mapSize(lines)).toBe(available)
    requireValidMap(lines, 'uid')
  })
})

test.each([
  ['0:0:100', '10:50:1', '0:0:10 10:50:1 11:11:39 51:51:49'],
  ['0:0:10', '0:0:10', '0:0:10'],
  ['0:0:10', '100:0:1', '1:1:9 100:0:1'],
  ['0:0:10', '5:5:20', '0:0:25'],
])('%s with %s put in is %s', (before, line, after) => {
  const [single] = map(line)
  if (!single) throw new Error('no line')
  expect(text(overrideMap(map(before), single))).toBe(after)
})

test.each([
  ['0:0:10 5:100:1', /twice/],
  ['0:0:10 100:5:1', /twice/],
  ['0:0:0', /out of range/],
  ['0:4294967295:1', /out of range/],
])('the map %s is refused', (lines, message) => {
  expect(() => requireValidMap(map(lines), 'uid')).toThrow(message)
})

test('an empty map and one of 341 lines are refused', () => {
  expect(() => requireValidMap([], 'uid')).toThrow(/empty/)
  const lines = Array.from({ length: 341 }, (_, index) => ({ containerID: index * 2, hostID: index * 2, size: 1 }))
  expect(() => requireValidMap(lines, 'uid')).toThrow(/341 lines/)
})

test.each([
  [[], 100, 1000, 1],
  [[{ start: 1, count: 100 }], 100, 1000, 101],
  [[{ start: 50, count: 10 }], 100, 1000, 60],
  [
    [
      { start: 200, count: 10 },
      { start: 1, count: 10 },
    ],
    100,
    1000,
    11,
  ],
  [[{ start: 1, count: 950 }], 100, 1000, undefined],
  [[], 1000, 1000, undefined],
])('beside %j a block of %i of %i ids begins at %s', (taken, size, available, start) => {
  expect(freeBlock(taken, size, available)).toBe(start)
})
