/** `About an hour`, `3 weeks`: as Docker and Podman tell a duration. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  const minutes = Math.floor(seconds / 60)
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  // go-units rounds hours, and only those.
  const hours = Math.floor(minutes / 60 + 0.5)
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`
  return `${Math.floor(hours / 24 / 365)} years`
}

/** `3 weeks ago`. */
export function ago(date: Date, now: Date): string {
  return `${humanDuration(Math.max(0, now.getTime() - date.getTime()))} ago`
}

/** `2026-01-31 09:30:00 +0100 CET`, as Go prints a time, in the zone of the one who reads. */
export function goTime(date: Date): string {
  const pad = (value: number, width = 2) => String(value).padStart(width, '0')
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
  const fraction = date.getMilliseconds() === 0 ? '' : `.${pad(date.getMilliseconds(), 3).replace(/0+$/, '')}`
  const offset = -date.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(offset) / 60))}${pad(Math.abs(offset) % 60)}`
  return `${day} ${time}${fraction} ${zone} ${zoneName(date, offset, zone)}`
}

function zoneName(date: Date, offset: number, zone: string): string {
  if (offset === 0) return 'UTC'
  const name = /\(([A-Z]{3,5})\)/.exec(date.toString())?.[1]
  return name ?? zone
}
