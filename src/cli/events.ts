import type { EngineEvent } from '../index.js'
import { goTime } from './output/time.js'

/** Seconds and nanoseconds since 1970; the latter as text, since they are more than a number holds. */
function unixTime({ Time }: EngineEvent): { readonly seconds: number; readonly nanoseconds: string } {
  const seconds = Math.floor(Date.parse(Time) / 1000)
  const fraction = /\.(\d{1,9})/.exec(Time)?.[1] ?? ''
  return { seconds, nanoseconds: `${String(seconds)}${fraction.padEnd(9, '0')}` }
}

/** One line of JSON, with Podman's names. */
export function eventJson(event: EngineEvent): string {
  const { Time: _, Status, Type, Attributes, HealthStatus, Network, Error: error, ...others } = event
  const { ContainerExitCode, ID, Image, Name, ...rest } = others
  const { seconds, nanoseconds } = unixTime(event)
  const before = JSON.stringify({
    ContainerExitCode,
    ID,
    Image,
    Name,
    ...rest,
    ...(Network === undefined ? {} : { network: Network }),
    Status,
    time: seconds,
  })
  const after = JSON.stringify({
    Type,
    ...(HealthStatus === undefined ? {} : { health_status: HealthStatus }),
    ...(error === undefined ? {} : { Error: error }),
    Attributes: Attributes ?? null,
  })
  return `${before.slice(0, -1)},"timeNano":${nanoseconds},${after.slice(1)}`
}

/** What templates see of an event. */
export function eventFields(event: EngineEvent): object {
  const { seconds, nanoseconds } = unixTime(event)
  return {
    ID: '',
    Name: '',
    Image: '',
    Network: '',
    HealthStatus: '',
    Error: '',
    ContainerExitCode: '',
    ...event,
    Attributes: event.Attributes ?? {},
    Time: seconds,
    TimeNano: nanoseconds,
  }
}

/** `TIME container died ID (image=…, name=…, label=…)`, as Podman writes it for people. */
export function eventText(event: EngineEvent, { noTrunc }: { readonly noTrunc: boolean }): string {
  const time = timeText(event.Time)
  const { Type, Status, ID = '', Name = '', Error: error = '' } = event
  const id = noTrunc ? ID : ID.slice(0, 12)
  if (Type === 'container' || Type === 'pod') return `${time} ${Type} ${Status} ${id} (${details(event)})`
  if (Type === 'image') return oneLine(`${time} ${Type} ${Status} ${id} ${Name} ${error}`.trimEnd())
  return oneLine(`${time} ${Type} ${Status} ${Name || id}`.trimEnd())
}

function details({ Image, Name, HealthStatus, Attributes = {}, Error: error }: EngineEvent): string {
  const parts = [
    ...(Image === undefined ? [] : [`image=${Image}`]),
    ...(Name === undefined ? [] : [`name=${Name}`]),
    ...(HealthStatus === undefined ? [] : [`health_status=${HealthStatus}`]),
    ...(error === undefined ? [] : [`error=${error}`]),
    ...Object.entries(Attributes).map(([key, value]) => `${key}=${value}`),
  ]
  return oneLine(parts.join(', '))
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}

/** As Go prints it, with the nanoseconds that JavaScript's dates do not have. */
function timeText(text: string): string {
  const date = new Date(text)
  const whole = goTime(new Date(Math.floor(date.getTime() / 1000) * 1000))
  const fraction = (/\.(\d{1,9})/.exec(text)?.[1] ?? '').padEnd(9, '0').replace(/0+$/, '')
  return fraction === '' ? whole : whole.replace(/(\d\d:\d\d:\d\d)/, `$1.${fraction}`)
}
