import { formatUnit, maximumUnitBytes } from '../unit-file.js'
import { buildKeys, buildRows, convertBuild } from './build.js'
import { containerKeys, containerRows, convertContainer } from './container.js'
import { convertImage, imageKeys, imageRows } from './image.js'
import { convertKube, kubeKeys, kubeRows } from './kube.js'
import { convertNetwork, networkKeys, networkRows } from './network.js'
import { commonKeys, type OptionRow } from './options.js'
import { convertPod, podKeys, podRows } from './pod.js'
import { requireUnitName, Service, type World } from './service.js'
import { invalid, type Kind, readerOf, sectionOf, type Source } from './source.js'
import { convertVolume, volumeKeys, volumeRows } from './volume.js'

/** A service made from a quadlet. */
export interface Converted {
  /** `web.service` */
  readonly name: string
  readonly source: string
  readonly text: string
  /** The quadlets whose services come first, by name. */
  readonly needs: ReadonlySet<string>
  /** Links that systemctl enable would make, below the folder of units, each to the service. */
  readonly links: readonly { readonly path: string; readonly target: string }[]
}

interface KindRow {
  readonly convert: (service: Service) => void
  /** The options that its keys are; and the keys that are more than that. */
  readonly rows: readonly OptionRow[]
  readonly keys: readonly string[]
}

export const kinds: Readonly<Record<Kind, KindRow>> = {
  container: { convert: convertContainer, rows: containerRows, keys: containerKeys },
  volume: { convert: convertVolume, rows: volumeRows, keys: volumeKeys },
  network: { convert: convertNetwork, rows: networkRows, keys: networkKeys },
  image: { convert: convertImage, rows: imageRows, keys: imageKeys },
  build: { convert: convertBuild, rows: buildRows, keys: buildKeys },
  pod: { convert: convertPod, rows: podRows, keys: podKeys },
  kube: { convert: convertKube, rows: kubeRows, keys: kubeKeys },
}

/** Makes the service of one quadlet. */
export function convert(source: Source, world: World): Converted {
  const { convert: make, rows, keys } = kinds[source.kind]
  requireOwnSection(source)
  requireKnown(source, new Set<string>([...keys, ...rows.map(({ key }) => key), ...commonKeys]))
  const service = new Service(source, world)
  requireUnitName(source, service.name)
  make(service)
  const name = `${service.name}.service`
  const text = formatUnit(service.unit())
  const long = text.split('\n').find((line) => line.length >= maximumUnitBytes)
  if (long !== undefined)
    throw invalid(source, `${long.split('=', 1)[0] ?? ''}= of its service would be longer than systemd reads`)
  return { name, source: source.path, text, needs: service.needs, links: linksOf(source, name) }
}

/** A volume, a network or a pod needs no word; what has another kind's words was meant to be that. */
function requireOwnSection(source: Source): void {
  const own = sectionOf[source.kind]
  const other = Object.values(sectionOf).find((section) => section !== own && source.unit.has(section))
  if (other !== undefined && !source.unit.has(own))
    throw invalid(source, `the section [${own}] is missing; there is [${other}], which is not for a .${source.kind}`)
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
  for (const alias of install.list('Alias')) {
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
    for (const unit of install.list(key)) {
      if (isUnitName(unit)) links.push({ path: `${unit}.${suffix}/${enabled}`, target: `../${name}` })
    }
  }
  return links
}

/** No path: a name from a file decides here where something is written. */
function isUnitName(name: string): boolean {
  return /^[\w:.\\@-]+\.[a-z]+$/.test(name) && !name.startsWith('.')
}
