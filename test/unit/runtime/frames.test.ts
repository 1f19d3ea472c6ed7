import { expect, test } from 'vitest'

import { decodeMessage, encodeFrame, encodeInput, encodeMessage, FrameDecoder } from '../../../src/runtime/frames.js'

test('frames come out as they went in, however they are cut', () => {
  const bytes = Buffer.concat([
    encodeMessage({ type: 'wait' }),
    encodeFrame('stdin', Buffer.alloc(0)),
    encodeFrame('stdout', Buffer.from('hello')),
  ])
  for (const size of [1, 2, 5, 7, bytes.length]) {
    const decoder = new FrameDecoder()
    const frames = []
    for (let at = 0; at < bytes.length; at += size) {
      for (const { kind, payload } of decoder.push(bytes.subarray(at, at + size)))
        frames.push([kind, payload.toString()])
    }
    expect(frames).toEqual([
      ['message', '{"type":"wait"}'],
      ['stdin', ''],
      ['stdout', 'hello'],
    ])
  }
})

test('input is cut into frames of at most 64 KiB, and none of them is empty', () => {
  expect(encodeInput(Buffer.alloc(200_000)).map((frame) => frame.length - 5)).toEqual([65536, 65536, 65536, 3392])
  expect(encodeInput(Buffer.alloc(0))).toEqual([])
})

test.each([
  ['an unknown kind', Buffer.from([9, 0, 0, 0, 0])],
  ['a payload that is too long', Buffer.from([0, 0, 1, 0, 1])],
])('%s is refused', (_name, bytes) => {
  expect(() => new FrameDecoder().push(bytes)).toThrow('no frame')
})

test.each([
  '{"type":"started"}',
  '{"type":"exited","status":137,"signal":9}',
  '{"type":"error","stage":"exec","errno":2,"message":"x"}',
  '{"type":"consumed","bytes":1}',
])('%s is understood', (text) => {
  expect(decodeMessage(Buffer.from(text))).toEqual(JSON.parse(text))
})

test.each([
  '{',
  '[]',
  '{"type":"dance"}',
  '{"type":"exited"}',
  '{"type":"error","stage":"moon","errno":0,"message":""}',
])('%s is refused', (text) => {
  expect(() => decodeMessage(Buffer.from(text))).toThrow('unknown message')
})
