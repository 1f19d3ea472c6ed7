import { formatUnit } from '../unit-file.js'
import { splitWords } from '../words.js'
import { containerKeys, containerRows, convertContainer } from './container.js'
import { convertKube, convertPod, kubeKeys, kubeRows, podKeys, podRows } from './groups.js'
import {
  buildKeys,
  buildRows,
  convertBuild,
  convertImage,
  convertNetwork,
  convertVolume,
  imageKeys,
  imageRows,
  networkKeys,
  networkRows,
  volumeKeys,
  volumeRows,
} from './once.js'
import { commonKeys, type OptionRow } from './options.js'
import { Service, type World } from './service.js'
import { invalid, type Kind, readerOf, sectionOf, type Source } from './source.js'

/** A service made from a quadlet. */
export interface Converted {
  /** `web.service` */
  readonly name: string
  readonly source: string
  readonly text: string
  /** Links that systemctl enable would make, below the folder of units, each to the service. */
  readonly links: readonly { readonly path: string; readonly target: string }[]
}

interface KindRow {
  readonly convert: (service: Service) => void
  readonly rows: readonly OptionRow[]
  readonly keys: readonly string[]
  /** The commands that the service calls. */
  readonly commands: readonly string[]
}

const kinds: Readonly<Record<Kind, KindRow>> = {
  container: { convert: convertContainer, rows: containerRows, keys: containerKeys, commands: ['run', 'stop', 'rm'] },
  volume: { convert: convertVolume, rows: volumeRows, keys: volumeKeys, commands: ['volume create'] },
  network: { convert: convertNetwork, rows: networkRows, keys: networkKeys, commands: ['network create'] },
  image: { convert: convertImage, rows: imageRows, keys: imageKeys, commands: ['image pull'] },
  build: { convert: convertBuild, rows: buildRows, keys: buildKeys, commands: ['build'] },
  pod: {
    convert: convertPod,
    rows: podRows,
    keys: podKeys,
    commands: ['pod create', 'pod start', 'pod stop', 'pod rm'],
  },
  kube: { convert: convertKube, rows: kubeRows, keys: kubeKeys, commands: ['kube play', 'kube down'] },
}

/** Makes the service of one quadlet. `hasCommand` says whether this tspod has what the service would call. */
export function convert(source: Source, world: World, hasCommand: (words: string) => boolean): Converted {
  const { convert: make, rows, keys, commands } = kinds[source.kind]
  requireSection(source)
  requireKnown(source, new Set<string>([...keys, ...rows.map(({ key }) => key), ...commonKeys]))
  const missing = commands.find((command) => !hasCommand(command))
  if (missing !== undefined)
    throw invalid(source, `a .${source.kind} needs "tspod ${missing}", which this version of tspod does not have`)
  const service = new Service(source, world)
  make(service)
  const name = `${service.name}.service`
  return { name, source: source.path, text: formatUnit(service.unit()), links: linksOf(source, name) }
}

function requireSection(source: Source): void {
  const section = sectionOf[source.kind]
  if (source.unit.has(section)) return
  throw invalid(source, `the section [${section}] is missing`)
}

function requireKnown(source: Source, known: ReadonlySet<string>): void {
  const check = (section: string, keys: ReadonlySet<string>): void => {
    const wrong = (source.unit.get(section) ?? []).find(([key]) => !keys.has(key))
    if (wrong) throw invalid(source, `unsupported key "${wrong[0]}" in [${section}]`)
  }
  check(sectionOf[source.kind], known)
  check('Quadlet', new Set(['DefaultDependencies']))
}

/** Generated units cannot be enabled, so [Install] takes effect here. */
function linksOf(source: Source, name: string): Converted['links'] {
  const install = readerOf(source, 'Install')
  const links: { path: string; target: string }[] = []
  for (const alias of install.words('Alias')) {
    if (isUnitName(alias)) links.push({ path: alias, target: name })
  }
  const at = /^([^@]*)@\.service$/.exec(name)
  const instance = install.text('DefaultInstance')
  const enabled = at === null ? name : instance === undefined ? undefined : `${at[1] ?? ''}@${instance}.service`
  if (enabled === undefined || !isUnitName(enabled)) return links
  for (const [key, suffix] of [
    ['WantedBy', 'wants'],
    ['RequiredBy', 'requires'],
    ['UpheldBy', 'upholds'],
  ] as const) {
    for (const unit of install.all(key).flatMap((value) => splitWords(value))) {
      if (isUnitName(unit)) links.push({ path: `${unit}.${suffix}/${enabled}`, target: `../${name}` })
    }
  }
  return links
}

/** No path: a name from a file decides here where something is written. */
function isUnitName(name: string): boolean {
  return /^[\w:.\\@-]+\.[a-z]+$/.test(name) && !name.startsWith('.')
}
