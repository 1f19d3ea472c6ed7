import { convert, type Converted } from './convert.js'
import { findLoops } from './loops.js'
import { serviceName, type World } from './service.js'
import { invalid, readerOf, type Source } from './source.js'

/** The services of all quadlets, and what is wrong with the others: one stops none of the others. */
export interface Conversion {
  readonly services: readonly Converted[]
  readonly errors: readonly Error[]
}

export function convertAll(sources: readonly Source[], world: Omit<World, 'members' | 'sources'>): Conversion {
  const errors: Error[] = []
  const all = new Map(sources.map((source) => [source.name, source]))
  const made = new Map<Source, Converted>()
  const makers = new Map<string, Source>()
  const convertEach = (chosen: readonly Source[], members: World['members']): void => {
    for (const source of chosen) {
      attempt(errors, () => {
        const service = convert(source, { ...world, sources: all, members })
        const other = makers.get(service.name)
        if (other !== undefined) throw invalid(source, `${service.name} is made from ${other.path} already`)
        makers.set(service.name, source)
        made.set(source, service)
      })
    }
  }
  const [pods, others] = [sources.filter(isPod), sources.filter((source) => !isPod(source))]
  convertEach(others, () => [])
  for (const [source, loop] of looping(made)) {
    made.delete(source)
    errors.push(
      invalid(
        source,
        loop.length === 1 ? 'it needs itself' : `${loop.join(', ')} need each other, so none can be first`,
      ),
    )
  }
  // A pod names the services of its containers, as far as there are any.
  const members = membersByPod([...made.keys()])
  convertEach(pods, ({ name }) => members.get(name) ?? [])
  return { services: sources.flatMap((source) => made.get(source) ?? []), errors }
}

function isPod({ kind }: Source): boolean {
  return kind === 'pod'
}

/** The services that start with a pod, by its name. Of a template there are only instances, which the pod cannot know. */
function membersByPod(sources: readonly Source[]): ReadonlyMap<string, readonly string[]> {
  const members = new Map<string, string[]>()
  for (const source of sources) {
    if (source.kind !== 'container' || serviceName(source).endsWith('@')) continue
    const reader = readerOf(source)
    const pod = reader.text('Pod')
    if (pod === undefined || reader.flag('StartWithPod') === false) continue
    members.set(pod, [...(members.get(pod) ?? []), serviceName(source)])
  }
  return members
}

/** Quadlets that need each other in a circle, with its members: systemd would start one of them without the other. */
function looping(made: ReadonlyMap<Source, Converted>): [Source, readonly string[]][] {
  const sources = new Map([...made.keys()].map((source) => [source.name, source]))
  const loops = findLoops(new Map([...made].map(([{ name }, { needs }]) => [name, needs])))
  return loops.flatMap((loop) =>
    loop.flatMap((name): [Source, readonly string[]][] => {
      const source = sources.get(name)
      return source === undefined ? [] : [[source, loop]]
    }),
  )
}

function attempt(errors: Error[], action: () => void): void {
  try {
    action()
  } catch (error) {
    errors.push(error instanceof Error ? error : new Error(String(error)))
  }
}
