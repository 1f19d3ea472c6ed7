import type { DeviceRate, DeviceSpec } from '../../index.js'
import { invalid, parseInteger, parseSize } from './value.js'

/** A device of the host, or the name of one of the Container Device Interface, `vendor.com/class=name`. */
export function parseDeviceOrName(text: string): DeviceSpec | string {
  return /^[^/]+\/[^/]+=[^/]+$/.test(text) ? text : parseDevice(text)
}

export function devicesOf(flags: readonly (DeviceSpec | string)[] | undefined) {
  const names = flags?.filter((device) => typeof device === 'string')
  return {
    devices: flags?.filter((device) => typeof device !== 'string'),
    cdiDevices: names?.length === 0 ? undefined : names,
  }
}

/** `SOURCE[:TARGET][:rwm]`; a folder stands for the devices in it. */
export function parseDevice(text: string): DeviceSpec {
  const parts = text.split(':')
  const [source = '', second, third] = parts
  if (!source.startsWith('/') || parts.length > 3) throw invalid(`"${text}" is not /dev/NAME[:/dev/NAME][:rwm]`)
  const onlyAccess = parts.length === 2 && isAccess(second)
  const target = second === undefined || onlyAccess ? source : second
  const access = onlyAccess ? second : (third ?? 'rwm')
  if (!target.startsWith('/')) throw invalid(`"${target}" in "${text}" is neither a path nor some of "rwm"`)
  if (!isAccess(access)) throw invalid(`"${access}" in "${text}" is not some of "rwm"`)
  return { source, target, access }
}

function isAccess(text: string | undefined): text is string {
  return text !== undefined && /^(?!.*(.).*\1)[rwm]{1,3}$/.test(text)
}

/** `DEVICE:10mb` */
export function parseDeviceBytes(text: string): DeviceRate {
  const [path, rate] = splitRate(text)
  return { path, rate: parseSize(rate) }
}

/** `DEVICE:1000` */
export function parseDeviceOperations(text: string): DeviceRate {
  const [path, rate] = splitRate(text)
  return { path, rate: parseInteger(rate, 0) }
}

function splitRate(text: string): readonly [string, string] {
  const colon = text.lastIndexOf(':')
  const path = text.slice(0, Math.max(colon, 0))
  if (!path.startsWith('/dev/')) throw invalid(`"${text}" is not /dev/NAME:RATE`)
  return [path, text.slice(colon + 1)]
}
