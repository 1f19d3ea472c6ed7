import { parseCsvLine } from '../../base/csv.js'
import { quoteWord } from '../words.js'
import { invalid, readerOf, type Source } from './source.js'
import { type Service, serviceName, stemOf } from './service.js'

/** The name of what a volume or network quadlet makes: its own, or the file's with `systemd-` before it. */
function resourceName(source: Source, key: string): string {
  return readerOf(source).text(key) ?? `systemd-${stemOf(source.name)}`
}

export function volumeName(source: Source): string {
  return resourceName(source, 'VolumeName')
}

export function networkName(source: Source): string {
  return resourceName(source, 'NetworkName')
}

export function podName(source: Source): string {
  return resourceName(source, 'PodName')
}

/** As the service itself says it: a name with an `@` in it would be none of a container. */
export function containerName(source: Source): string {
  return readerOf(source).text('ContainerName') ?? (source.name.includes('@') ? 'systemd-%p_%i' : 'systemd-%N')
}

/** As another service can say it: the specifiers are of the own one there. */
function resolvedName(service: Service, other: Source): string {
  const unit = serviceName(other)
  const [, prefix, instance] = /^([^@]*)@(.+)$/.exec(unit) ?? [undefined, unit, undefined]
  const name = containerName(other)
    .replaceAll('%N', unit)
    .replaceAll('%p', prefix ?? '')
    .replaceAll('%i', instance ?? '%i')
  if (!name.includes('%')) return name
  throw invalid(
    service.source,
    `Network=${other.name}: its container has no fixed name; give it one with ContainerName=`,
  )
}

/** `--network` for each `Network=`; `NAME.network` and `NAME.container` are other quadlets, which come first. */
export function networkOptions(service: Service, values: readonly string[]): string[] {
  return values.flatMap((value) => {
    const colon = value.indexOf(':')
    const name = colon < 0 ? value : value.slice(0, colon)
    const options = colon < 0 ? '' : value.slice(colon)
    if (name.endsWith('.network')) {
      const other = service.other(name)
      service.requires(other)
      return ['--network', networkName(other) + options]
    }
    if (name.endsWith('.container')) {
      if (options !== '') throw invalid(service.source, `Network=${value}: another container's network has no options`)
      const other = service.other(name)
      service.requires(other)
      return ['--network', `container:${resolvedName(service, other)}`]
    }
    return ['--network', value]
  })
}

/** `-v` for each `Volume=`. */
export function volumeOptions(service: Service, values: readonly string[]): string[] {
  return values.flatMap((value) => {
    const [source = '', ...rest] = value.split(':')
    if (rest.length === 0) return ['-v', value]
    return ['-v', source === '' ? rest.join(':') : [sourceOfMount(service, source), ...rest].join(':')]
  })
}

/** A folder of the host's, which the service waits for to be mounted; another quadlet's volume; a volume's name. */
function sourceOfMount(service: Service, source: string): string {
  if (/^[^/.].*\.volume$/.test(source)) {
    const other = service.other(source)
    service.requires(other)
    return volumeName(other)
  }
  const path = source.startsWith('.') ? service.beside(source) : source
  if (path.startsWith('/')) service.add('Unit', 'RequiresMountsFor', quoteWord(path))
  return path
}

/** `--mount` for each `Mount=`: sources of volumes, images and paths may be quadlets, and relative. */
export function mountOptions(service: Service, values: readonly string[]): string[] {
  return values.flatMap((value) => {
    const fields = parseCsvLine(value)
    if (fields === undefined) throw invalid(service.source, `Mount=${value} has quotes that do not match`)
    const type = fields.find((field) => field.startsWith('type='))?.slice('type='.length) ?? 'volume'
    if (!mountsWithSource.has(type)) return ['--mount', value]
    const rest = fields.filter((field) => !field.startsWith('type='))
    const found = rest.findLastIndex((field) => /^(?:source|src)(?:=|$)/.test(field))
    const source = rest[found]?.replace(/^[^=]*=?/, '')
    if (source === '' || (source === undefined && type !== 'volume'))
      throw invalid(service.source, `Mount=${value} has no source=, which type=${type} needs`)
    if (source !== undefined) rest[found] = `source=${mountSource(service, type, source)}`
    return ['--mount', [`type=${type}`, ...rest].map(quoteField).join(',')]
  })
}

const mountsWithSource: ReadonlySet<string> = new Set(['volume', 'bind', 'glob', 'image'])

function mountSource(service: Service, type: string, source: string): string {
  return type === 'image' ? imageReference(service, source) : sourceOfMount(service, source)
}

/** As CSV has it. */
function quoteField(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}

/** An image's name, or what the quadlet `NAME.image` or `NAME.build` makes. */
export function imageReference(service: Service, image: string): string {
  if (!/^[^/]+\.(?:image|build)$/.test(image)) return image
  const other = service.other(image)
  service.requires(other)
  const reader = readerOf(other)
  const name = other.kind === 'build' ? reader.all('ImageTag')[0] : (reader.text('ImageTag') ?? reader.text('Image'))
  if (name === undefined)
    throw invalid(other, other.kind === 'build' ? 'ImageTag= is missing in [Build]' : 'Image= is missing in [Image]')
  return name
}
