import type { ContainerSpec, LogDriver } from '../../index.js'
import { invalid, parsePair, parseSizeOrUnlimited } from './value.js'

const drivers: readonly LogDriver[] = ['k8s-file', 'json-file', 'journald', 'none', 'passthrough']
const options = ['path', 'max-size', 'max-file', 'tag', 'label', 'labels', 'env', 'size']

export function parseLogDriver(text: string): LogDriver {
  const driver = drivers.find((name) => name === text)
  if (driver !== undefined) return driver
  if (text === 'passthrough-tty') return 'passthrough'
  throw invalid(`unknown log driver "${text}": ${drivers.join(', ')}`)
}

/** `--log-driver` and all `--log-opt KEY=VALUE` together. */
export function parseLog(driver: LogDriver | undefined, pairs: readonly string[]): ContainerSpec['log'] {
  if (driver === undefined && pairs.length === 0) return undefined
  const found = Object.fromEntries(pairs.map(parseLogOption))
  return { ...(driver === undefined ? {} : { driver }), ...(pairs.length === 0 ? {} : { options: found }) }
}

function parseLogOption(text: string): readonly [string, string] {
  const [key, value] = parsePair(text, { needsValue: true })
  if (!options.includes(key)) throw invalid(`unknown log option "${key}": ${options.join(', ')}`)
  if (key === 'max-size' || key === 'size') parseSizeOrUnlimited(value)
  if (key === 'max-file' && !/^\d{1,4}$/.test(value)) throw invalid(`max-file "${value}" is not a number`)
  return [key === 'size' ? 'max-size' : key, value]
}
