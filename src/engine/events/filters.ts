import { TspodError } from '../../base/errors.js'
import { eventTypes, type EngineEvent } from './types.js'

type Test = (event: EngineEvent) => boolean

/** `key=value` texts as one test: the same key twice is “or”, different keys are “and”. Labels are “and”. */
export function compileEventFilters(texts: readonly string[]): Test {
  const groups = new Map<string, Test[]>()
  for (const [index, text] of texts.entries()) {
    const at = text.indexOf('=')
    if (at <= 0) throw invalid(`invalid filter "${text}": it must be in the form of KEY=VALUE`)
    const key = text.slice(0, at).toLowerCase()
    const make = Object.hasOwn(makers, key) ? makers[key] : undefined
    if (make === undefined) throw invalid(`"${key}" is an invalid filter: use ${Object.keys(makers).join(', ')}`)
    const group = key === 'label' ? `${key} ${String(index)}` : key
    groups.set(group, [...(groups.get(group) ?? []), make(text.slice(at + 1))])
  }
  return (event) => [...groups.values()].every((tests) => tests.some((test) => test(event)))
}

const ofType =
  (type: string) =>
  (value: string): Test =>
  (event) =>
    event.Type === type && (event.Name === value || (value !== '' && event.ID?.startsWith(value) === true))

const makers: Readonly<Record<string, (value: string) => Test>> = {
  container: ofType('container'),
  volume: ofType('volume'),
  pod: ofType('pod'),
  network: ofType('network'),
  event: (value) => (event) => event.Status === statusOf(value),
  status: (value) => (event) => event.Status === statusOf(value),
  image: (value) => (event) =>
    event.Type === 'image'
      ? event.Name === value || (value !== '' && event.ID?.startsWith(value) === true)
      : event.Image === value || withoutTag(event.Image ?? '') === value,
  type: (value) => {
    if (!eventTypes.some((type) => type === value))
      throw invalid(`unknown event type "${value}": ${eventTypes.join(', ')}`)
    return (event) => event.Type === value
  },
  label: (value) => {
    const at = value.indexOf('=')
    const key = at < 0 ? value : value.slice(0, at)
    return ({ Attributes: labels = {} }) =>
      Object.hasOwn(labels, key) && (at < 0 || labels[key] === value.slice(at + 1))
  },
}

/** Docker's names for what Podman calls otherwise. */
function statusOf(value: string): string {
  return value === 'die' ? 'died' : value === 'delete' || value === 'destroy' ? 'remove' : value
}

function withoutTag(image: string): string {
  const at = image.lastIndexOf(':')
  return at > image.lastIndexOf('/') ? image.slice(0, at) : image
}

function invalid(message: string): TspodError {
  return new TspodError('invalid-argument', message)
}
