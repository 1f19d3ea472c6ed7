import { type Moment, parseMoment } from '../../base/moment.js'

/** `--since`: a date, seconds since 1970, or a duration before now (`1h30m`). */
export function parseSince(text: string): Moment {
  return parseMoment(text, new Date(), -1)
}

/** `--until`: the same, but a duration is ahead, as Podman has it; `-1h` is an hour ago. */
export function parseUntil(text: string): Moment {
  return parseMoment(text, new Date(), 1)
}
