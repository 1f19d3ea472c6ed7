import { TspodError } from '../../base/errors.js'
import { momentOf, parseMoment } from '../../base/moment.js'
import type { ListedRecord } from '../../container/record.js'
import type { Context } from '../context.js'
import { findContainer } from './store.js'
import type { ContainerSummary } from './types.js'

export interface Filters {
  /** `status=` or `exited=` was asked for: then those that do not run are meant too. */
  readonly namesStatus: boolean
  matches(summary: ContainerSummary, record: ListedRecord): boolean
}

interface FilterInput {
  readonly context: Context
  readonly now: Date
}

type Test = (summary: ContainerSummary, record: ListedRecord) => boolean

/** `key=value` texts as one test: the same key twice is “or” (labels: “and”), different keys are “and”. */
export function compileFilters(texts: readonly string[], input: FilterInput): Filters {
  const groups = new Map<string, Test[]>()
  for (const [index, text] of texts.entries()) {
    const { key, test } = compileOne(text, input)
    const group = key.startsWith('label') ? `${key} ${index}` : key
    groups.set(group, [...(groups.get(group) ?? []), test])
  }
  return {
    namesStatus: groups.has('status') || groups.has('exited'),
    matches: (summary, record) => [...groups.values()].every((tests) => tests.some((test) => test(summary, record))),
  }
}

function compileOne(text: string, input: FilterInput): { key: string; test: Test } {
  const at = text.indexOf('=')
  if (at <= 0) throw new TspodError('invalid-argument', `invalid filter "${text}": it must be in the form of KEY=VALUE`)
  const negated = text[at - 1] === '!'
  const key = text.slice(0, negated ? at - 1 : at)
  const value = text.slice(at + 1)
  const make = makers[key]
  if (!make) {
    const allowed = Object.keys(makers).sort().join(', ')
    throw new TspodError('invalid-argument', `invalid filter "${key}": choose one of ${allowed}`)
  }
  const test = make(value, input)
  return negated ? { key: `${key}!`, test: (summary, record) => !test(summary, record) } : { key, test }
}

const statuses = [
  'created',
  'running',
  'paused',
  'exited',
  'stopped',
  'removing',
  'initialized',
  'configured',
  'unknown',
]

const policies = ['no', 'on-failure', 'always', 'unless-stopped']

const healths = ['none', 'starting', 'healthy', 'unhealthy']

const makers: Readonly<Record<string, (value: string, input: FilterInput) => Test>> = {
  id: (value) => {
    const matches = pattern(value)
    return ({ id }) => id.startsWith(value.toLowerCase()) || matches(id)
  },
  name: (value) => {
    const matches = pattern(value)
    return ({ name }) => matches(name)
  },
  label: (value) => labelTest(value),
  status: (value) => {
    if (!statuses.includes(value)) {
      throw new TspodError('invalid-argument', `${value} is not a valid status: ${statuses.join(', ')}`)
    }
    const wanted = value === 'stopped' ? 'exited' : value === 'configured' ? 'created' : value
    return ({ status }) => status === wanted
  },
  exited: (value) => {
    if (!/^\d{1,3}$/.test(value)) throw new TspodError('invalid-argument', `exit code "${value}" is not a number`)
    return ({ status, exitCode }) => status === 'exited' && exitCode === Number(value)
  },
  ancestor:
    (value) =>
    ({ image, imageId }) =>
      image === value ||
      imageId.startsWith(value) ||
      withoutTag(image) === value ||
      image.endsWith(`/${value}`) ||
      withoutTag(image).endsWith(`/${value}`),
  before: (value, { context }) => {
    const limit = findContainer(context, value).created
    return (_, { created }) => created < limit
  },
  since: (value, { context }) => {
    const limit = findContainer(context, value).created
    return (_, { created }) => created > limit
  },
  until: (value, { now }) => {
    const limit = parseMoment(value, now)
    return ({ created }) => momentOf(created) < limit
  },
  volume: (value) => {
    const [source = '', target] = value.split(':', 2)
    return (_, { spec }) =>
      spec.mounts.some((mount) => {
        const from = mount.type === 'volume' ? mount.name : mount.type === 'bind' ? mount.source : undefined
        const matched = from === source || mount.target === source
        return matched && (target === undefined || mount.target === target)
      })
  },
  network:
    (value) =>
    ({ networks }, { spec }) =>
      networks.includes(value) || spec.network.mode === value,
  publish: (value) =>
    portTest(value, (summary) =>
      summary.ports.map(({ hostPort, range, protocol }) => ({ port: hostPort, range, protocol })),
    ),
  expose: (value) => portTest(value, (summary) => summary.exposed),
  health: (value) => {
    if (!healths.includes(value))
      throw new TspodError('invalid-argument', `${value} is not a valid health: ${healths.join(', ')}`)
    return ({ health = 'none' }) => health === value
  },
  pod: () => () => false,
  command:
    (value) =>
    ({ command }) =>
      command.join(' ') === value || command[0] === value,
  'restart-policy': (value) => {
    if (!policies.includes(value))
      throw new TspodError('invalid-argument', `${value} is not a valid restart policy: ${policies.join(', ')}`)
    return (_, { spec }) => spec.restart.name === value
  },
  'is-task': () => () => true,
}

function labelTest(value: string): Test {
  const at = value.indexOf('=')
  const key = at < 0 ? value : value.slice(0, at)
  return ({ labels }) => Object.hasOwn(labels, key) && (at < 0 || labels[key] === value.slice(at + 1))
}

function portTest(
  value: string,
  ports: (
    summary: ContainerSummary,
  ) => readonly { readonly port: number; readonly range: number; readonly protocol: string }[],
): Test {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value)
  if (!match) throw new TspodError('invalid-argument', `"${value}" is not a port or a range of ports`)
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  return (summary) =>
    ports(summary).some(
      ({ port, range, protocol }) =>
        port <= last && port + range - 1 >= first && (match[3] === undefined || match[3] === protocol),
    )
}

/** Podman's regular expressions; one that is none is taken as it stands. */
function pattern(value: string): (text: string) => boolean {
  try {
    const expression = new RegExp(value)
    return (text) => expression.test(text)
  } catch {
    return (text) => text.includes(value)
  }
}

function withoutTag(image: string): string {
  const name = image.split('@', 1)[0] ?? image
  const at = name.lastIndexOf(':')
  return at > name.lastIndexOf('/') ? name.slice(0, at) : name
}
