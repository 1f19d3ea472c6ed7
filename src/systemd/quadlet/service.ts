import { dirname, join, normalize } from 'node:path'
import type { Entry, UnitFile } from '../unit-file.js'
import { joinWords, splitList } from '../words.js'
import { invalid, type Kind, kindOf, readable, readerOf, sectionOf, type Source } from './source.js'

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
  /** The services that start with a pod: of the containers that name it. */
  readonly members: (pod: Source) => readonly string[]
}

/** Settings of [Unit] that name units; quadlets among them stand for their services. */
const dependencies: ReadonlySet<string> = new Set([
  'After',
  'Before',
  'BindsTo',
  'Conflicts',
  'OnFailure',
  'OnSuccess',
  'PartOf',
  'PropagatesReloadTo',
  'PropagatesStopTo',
  'ReloadPropagatedFrom',
  'Requires',
  'Requisite',
  'StopPropagatedFrom',
  'Upholds',
  'Wants',
])

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
  if (chosen !== undefined) return chosen
  const stem = stemOf(source.name)
  const at = stem.indexOf('@')
  const suffix = suffixes[source.kind]
  return at < 0 ? stem + suffix : stem.slice(0, at) + suffix + stem.slice(at)
}

/** What systemd takes for a unit's name, and what is safe as a file's (systemd.unit(5)). */
export function requireUnitName(source: Source, name: string): void {
  if (/^[\w:.\\@-]+$/.test(name) && !/^[.@]/.test(name) && name.length + '.service'.length < 256) return
  throw invalid(
    source,
    `${JSON.stringify(name)} cannot be the name of a service: letters, digits and :-_.\\@, 247 of them at most; ServiceName= gives another`,
  )
}

export function stemOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'))
}

/** The service that is being made from a quadlet. */
export class Service {
  readonly source: Source
  readonly world: World
  readonly name: string
  /** The quadlets whose services come before this one, by name. */
  readonly needs = new Set<string>()
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
    for (const [index, [key, value]] of unit.entries()) {
      if (dependencies.has(key)) unit[index] = [key, this.#unitsOf(key, value)]
    }
    if (readerOf(this.source, 'Quadlet').flag('DefaultDependencies') !== false) {
      const online = 'tspod-user-wait-network-online.service'
      unit.unshift(['Wants', online], ['After', online])
    }
    unit.push(['SourcePath', this.source.path])
  }

  /** `After=data.volume` means `After=data-volume.service`. */
  #unitsOf(key: string, value: string): string {
    const words = readable(this.source, key, value, splitList)
    if (!words.some((word) => kindOf(word) !== undefined)) return value
    return words
      .map((word) => (kindOf(word) === undefined ? word : `${serviceName(this.other(word))}.service`))
      .join(' ')
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

  /** Whatever the quadlet says. */
  set(section: string, key: string, value: string): void {
    const entries = this.#section(section).filter(([name]) => name !== key)
    this.#sections.set(section, [...entries, [key, value]])
  }

  value(section: string, key: string): string | undefined {
    return this.#section(section).findLast(([name]) => name === key)?.[1]
  }

  /** `ExecStart=tspod …`; a `prefix` of systemd's, such as `-`, before it. */
  command(key: string, argv: readonly string[], prefix = ''): void {
    this.add('Service', key, `${prefix}${joinWords([this.world.tspod, ...argv])}`)
  }

  /** Starts after another quadlet's service, and only with it. */
  requires(other: Source): void {
    this.needs.add(other.name)
    this.add('Unit', 'Requires', `${serviceName(other)}.service`)
    this.add('Unit', 'After', `${serviceName(other)}.service`)
  }

  /** The monitor gets the signal, so that its container ends in order; no other mode leaves it the time. */
  requireKillMode(): void {
    const mode = this.value('Service', 'KillMode')
    if (mode !== undefined && mode !== 'mixed' && mode !== 'control-group')
      throw invalid(this.source, `KillMode=${mode}: mixed or control-group was expected`)
  }

  requireType(): 'notify' | 'oneshot' {
    const type = this.value('Service', 'Type') ?? 'notify'
    if (type === 'notify' || type === 'oneshot') return type
    throw invalid(this.source, `Type=${type}: notify or oneshot was expected`)
  }

  /** Another quadlet that this one names. Throws if there is none. */
  other(name: string): Source {
    const found = this.world.sources.get(name)
    if (found !== undefined) return found
    throw invalid(this.source, `it refers to ${name}, and there is no such quadlet`)
  }

  /** A path beside the quadlet's file; what begins with a specifier is systemd's to fill in. */
  beside(path: string): string {
    return path.startsWith('/') || /^%(?!%)/.test(path) ? path : normalize(join(dirname(this.source.path), path))
  }

  unit(): UnitFile {
    return new Map([...this.#sections].filter(([, entries]) => entries.length > 0))
  }
}
