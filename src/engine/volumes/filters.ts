import { TspodError } from '../../base/errors.js'
import { momentOf, parseMoment } from '../../base/moment.js'
import type { VolumeRecord } from '../volumes.js'

export interface VolumeFacts {
  readonly now: Date
  readonly isUsed: (name: string) => boolean
  /** When a volume that a filter names was made. */
  readonly created: (name: string) => string
}

type Test = (volume: VolumeRecord) => boolean

/** Podman's filters: the same key twice is “or”, but for labels, which is “and”; different keys are “and”. */
export function volumeTests(filters: readonly string[], facts: VolumeFacts): Test {
  const groups = new Map<string, Test[]>()
  for (const [index, filter] of filters.entries()) {
    const match = /^([a-z]+)(!?)=(.*)$/s.exec(filter)
    const [, key = '', negation = '', value = ''] = match ?? []
    const make = makers[key]
    if (make === undefined || (negation !== '' && key !== 'label')) {
      throw new TspodError('invalid-argument', `invalid volume filter ${JSON.stringify(filter)}`)
    }
    const test = make(value, facts)
    const group = key === 'label' ? `label ${String(index)}` : key
    groups.set(group, [...(groups.get(group) ?? []), negation === '' ? test : (volume) => !test(volume)])
  }
  return (volume) => [...groups.values()].every((tests) => tests.some((test) => test(volume)))
}

const makers: Readonly<Record<string, ((value: string, facts: VolumeFacts) => Test) | undefined>> = {
  name: (value) => {
    const pattern = regularExpression(value)
    return ({ name }) => pattern.test(name)
  },
  driver: (value) => {
    const pattern = regularExpression(value)
    return ({ driver }) => pattern.test(driver)
  },
  scope: (value) => () => value === 'local',
  label: (value) => entryTest(value, ({ labels }) => labels),
  opt: (value) => entryTest(value, ({ options }) => options),
  dangling: (value, { isUsed }) => {
    const wanted = booleanOf('dangling', value)
    return ({ name }) => isUsed(name) !== wanted
  },
  anonymous: (value) => {
    const wanted = booleanOf('anonymous', value)
    return ({ anonymous }) => anonymous === wanted
  },
  after: (value, facts) => (volume) => volume.created > facts.created(value),
  since: (value, facts) => (volume) => volume.created > facts.created(value),
  until: (value, { now }) => {
    const until = parseMoment(value, now)
    return ({ created }) => momentOf(new Date(created)) < until
  },
}

function entryTest(value: string, entries: (volume: VolumeRecord) => Readonly<Record<string, string>>): Test {
  const equals = value.indexOf('=')
  const key = equals < 0 ? value : value.slice(0, equals)
  return (volume) => {
    const found = Object.hasOwn(entries(volume), key) ? entries(volume)[key] : undefined
    return found !== undefined && (equals < 0 || found === value.slice(equals + 1))
  }
}

function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    throw new TspodError('invalid-argument', `${JSON.stringify(text)} is not a regular expression`, { cause: error })
  }
}

function booleanOf(key: string, value: string): boolean {
  if (/^(?:1|t|true)$/i.test(value)) return true
  if (/^(?:0|f|false)$/i.test(value)) return false
  throw new TspodError('invalid-argument', `filter ${key} is true or false, not ${JSON.stringify(value)}`)
}
