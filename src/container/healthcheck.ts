import type { ImageHealthcheck } from '../oci/image-spec.js'
import type { ContainerSpec, HealthcheckSpec } from './spec.js'

const second = 1_000_000_000
const minute = 60 * second

/** The container's health check: the spec's members over the image's, Docker's defaults below; undefined for none. */
export function completeHealthcheck(
  asked: ContainerSpec['healthcheck'],
  image: ImageHealthcheck | undefined,
): HealthcheckSpec | undefined {
  if (asked === 'none') return undefined
  const command = asked?.command ?? image?.Test
  if (command === undefined || command.length === 0 || command[0] === 'NONE') return undefined
  return { ...defaults, ...imageTimes(image), ...withoutUndefined(asked ?? {}), command }
}

const defaults: HealthcheckSpec = {
  interval: 30 * second,
  timeout: 30 * second,
  retries: 3,
  startPeriod: 0,
  startInterval: minute,
  onFailure: 'none',
}

function imageTimes(image: ImageHealthcheck | undefined): HealthcheckSpec {
  return withoutUndefined({
    interval: positive(image?.Interval),
    timeout: positive(image?.Timeout),
    retries: positive(image?.Retries),
    startPeriod: positive(image?.StartPeriod),
    startInterval: positive(image?.StartInterval),
  })
}

function withoutUndefined(value: object): HealthcheckSpec {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined))
}

/** 0 in an image's configuration means that the default holds. */
function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined
}
