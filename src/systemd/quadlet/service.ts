import { dirname, join, normalize } from 'node:path'
import type { Entry, UnitFile } from '../unit-file.js'
import { joinWords } from '../words.js'
import { invalid, type Kind, readerOf, sectionOf, type Source } from './source.js'

/** What every conversion knows. */
export interface World {
  /** The program that the services call. */
  readonly tspod: string
  /** Every quadlet that was found, by name: what others refer to. */
  readonly sources: ReadonlyMap<string, Source>
  /** Where the output of containers goes that have no word in it; undefined: as the configuration has it. */
  readonly logDriver?: string | undefined
  /** Whether there is such a device: `AddDevice=-/dev/…`. */
  readonly exists: (path: string) => boolean
}

/** The service's name where a quadlet does not say its own, without `.service`. */
const suffixes: Readonly<Record<Kind, string>> = {
  container: '',
  kube: '',
  volume: '-volume',
  network: '-network',
  pod: '-pod',
  image: '-image',
  build: '-build',
}

/** `web` of `web.container`, `data-volume` of `data.volume`: a template keeps its `@` at the end. */
export function serviceName(source: Source): string {
  const chosen = readerOf(source).text('ServiceName')
  if (chosen !== undefined) {
    if (!/^[\w:.\\@-]+$/.test(chosen)) throw invalid(source, `ServiceName=${chosen} cannot be a unit's name`)
    return chosen
  }
  const stem = stemOf(source.name)
  const at = stem.indexOf('@')
  const suffix = suffixes[source.kind]
  return at < 0 ? stem + suffix : stem.slice(0, at) + suffix + stem.slice(at)
}

export function stemOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'))
}

/** The service that is being made from a quadlet. */
export class Service {
  readonly source: Source
  readonly world: World
  readonly name: string
  readonly #sections = new Map<string, Entry[]>()

  constructor(source: Source, world: World) {
    this.source = source
    this.world = world
    this.name = serviceName(source)
    const own = sectionOf[source.kind]
    // The quadlet's sections are kept for people to read: systemd ignores what begins with X-.
    for (const [section, entries] of source.unit) {
      const kept = section === own || section === 'Quadlet' ? `X-${section}` : section
      this.#sections.set(kept, [...entries])
    }
    this.#dependencies()
  }

  /** Networks and images may need the host's network; a user's systemd does not see the system's targets. */
  #dependencies(): void {
    const unit = this.#section('Unit')
    if (readerOf(this.source, 'Quadlet').flag('DefaultDependencies') !== false) {
      const online = 'tspod-user-wait-network-online.service'
      unit.unshift(['Wants', online], ['After', online])
    }
    unit.push(['SourcePath', this.source.path])
  }

  #section(name: string): Entry[] {
    const found = this.#sections.get(name) ?? []
    this.#sections.set(name, found)
    return found
  }

  add(section: string, key: string, value: string): void {
    this.#section(section).push([key, value])
  }

  /** Only where the quadlet does not say it. */
  byDefault(section: string, key: string, value: string): void {
    if (this.value(section, key) === undefined) this.add(section, key, value)
  }

  value(section: string, key: string): string | undefined {
    return this.#section(section)
      .filter(([name]) => name === key)
      .at(-1)?.[1]
  }

  /** `ExecStart=tspod …`; a `prefix` of systemd's, such as `-`, before it. */
  command(key: string, argv: readonly string[], prefix = ''): void {
    this.add('Service', key, `${prefix}${joinWords([this.world.tspod, ...argv])}`)
  }

  /** Starts after another one, and only with it. */
  requires(service: string): void {
    this.add('Unit', 'Requires', `${service}.service`)
    this.add('Unit', 'After', `${service}.service`)
  }

  /** Another quadlet that this one names. Throws if there is none. */
  other(name: string): Source {
    const found = this.world.sources.get(name)
    if (found !== undefined) return found
    throw invalid(this.source, `it refers to ${name}, and there is no such quadlet`)
  }

  /** A path beside the quadlet's file; what begins with % is systemd's to fill in. */
  beside(path: string): string {
    return path.startsWith('/') || path.startsWith('%') ? path : normalize(join(dirname(this.source.path), path))
  }

  unit(): UnitFile {
    return new Map([...this.#sections].filter(([, entries]) => entries.length > 0))
  }
}
