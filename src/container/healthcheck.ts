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
  return {
    command,
    interval: asked?.interval ?? positive(image?.Interval) ?? 30 * second,
    timeout: asked?.timeout ?? positive(image?.Timeout) ?? 30 * second,
    retries: asked?.retries ?? positive(image?.Retries) ?? 3,
    startPeriod: asked?.startPeriod ?? image?.StartPeriod ?? 0,
    startInterval: asked?.startInterval ?? positive(image?.StartInterval) ?? minute,
    onFailure: asked?.onFailure ?? 'none',
  }
}

/** 0 in an image's configuration means that the default holds. */
function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined
}
