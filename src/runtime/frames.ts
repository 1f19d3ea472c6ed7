import { TspodError } from '../base/errors.js'
import { type ClientMessage, frameKinds, maximumPayload, type MonitorMessage, stages } from './protocol.js'

/** One frame as it came off a connection with a monitor. */
export interface Frame {
  readonly kind: FrameKind
  readonly payload: Buffer
}

export type FrameKind = keyof typeof frameKinds

export const headerLength = 5
const kindOf: ReadonlyMap<number, FrameKind> = new Map(
  Object.entries(frameKinds).map(([name, number]) => [number, name as FrameKind]),
)

/** The bytes of one frame. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array): Buffer {
  if (payload.length > maximumPayload) throw new TspodError('internal', 'a frame holds at most 64 KiB')
  const frame = Buffer.allocUnsafe(headerLength + payload.length)
  frame.writeUInt8(frameKinds[kind], 0)
  frame.writeUInt32BE(payload.length, 1)
  frame.set(payload, headerLength)
  return frame
}

/** The bytes of stdin, in as many frames as they need; none is an empty one, which would mean the end. */
export function encodeInput(data: Uint8Array): Buffer[] {
  const frames: Buffer[] = []
  for (let start = 0; start < data.length; start += maximumPayload) {
    frames.push(encodeFrame('stdin', data.subarray(start, start + maximumPayload)))
  }
  return frames
}

export function encodeMessage(message: ClientMessage): Buffer {
  return encodeFrame('message', Buffer.from(JSON.stringify(message)))
}

/** Cuts a stream of bytes into frames. Bytes that are no frame are refused. */
export class FrameDecoder {
  private rest: Buffer = Buffer.alloc(0)

  /** The frames that are whole after these bytes. */
  push(bytes: Buffer): Frame[] {
    let data = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes])
    const frames: Frame[] = []
    while (data.length >= headerLength) {
      const kind = kindOf.get(data.readUInt8(0))
      const length = data.readUInt32BE(1)
      if (kind === undefined || length > maximumPayload) throw new TspodError('internal', 'the monitor sent no frame')
      if (data.length < headerLength + length) break
      frames.push({ kind, payload: data.subarray(headerLength, headerLength + length) })
      data = data.subarray(headerLength + length)
    }
    this.rest = data
    return frames
  }
}

/** What a monitor says, or throws: a message that is not known is refused. */
export function decodeMessage(payload: Buffer): MonitorMessage {
  const value = parseJson(payload)
  if (isRecord(value) && isMonitorMessage(value)) return value
  throw new TspodError('internal', `the monitor sent an unknown message: ${payload.toString('utf8', 0, 200)}`)
}

const isNumber = (value: unknown): boolean => typeof value === 'number'
const isText = (value: unknown): boolean => typeof value === 'string'
const isAbsentOr = (test: (value: unknown) => boolean) => (value: unknown) => value === undefined || test(value)

const failureMembers = {
  stage: (value: unknown) => stages.some((stage) => stage === value),
  errno: isNumber,
  message: isText,
  path: isAbsentOr(isText),
}

const members: Readonly<Record<string, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  hello: { protocol: (value) => value === 1 },
  created: { pid: isNumber },
  started: {},
  exited: { status: isNumber, signal: isAbsentOr(isNumber), oomKilled: isAbsentOr((v) => typeof v === 'boolean') },
  removed: {},
  consumed: { bytes: isNumber },
  health: {
    status: (value) => value === 'starting' || value === 'healthy' || value === 'unhealthy',
    exitCode: isNumber,
    output: isText,
  },
  updated: {},
  warning: failureMembers,
  error: failureMembers,
}

function isMonitorMessage(value: Readonly<Record<string, unknown>>): value is MonitorMessage & Record<string, unknown> {
  const type = value['type']
  const expected = typeof type === 'string' && Object.hasOwn(members, type) ? members[type] : undefined
  if (!expected) return false
  return Object.entries(expected).every(([name, test]) => test(value[name]))
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8')) as unknown
  } catch {
    /* Refused by the caller, which shows the text. */
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
