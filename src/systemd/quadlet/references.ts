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

/** The container's name as another service can say it: `%N` is the own service's there. */
function containerName(source: Source): string {
  return readerOf(source).text('ContainerName') ?? `systemd-${serviceName(source)}`
}

/** `--network` for each `Network=`; `NAME.network` and `NAME.container` are other quadlets, which come first. */
export function networkOptions(service: Service, values: readonly string[], containers = true): string[] {
  return values.flatMap((value) => {
    const colon = value.indexOf(':')
    const name = colon < 0 ? value : value.slice(0, colon)
    const options = colon < 0 ? '' : value.slice(colon)
    if (name.endsWith('.network')) {
      const other = service.other(name)
      service.requires(serviceName(other))
      return ['--network', networkName(other) + options]
    }
    if (containers && name.endsWith('.container')) {
      if (options !== '') throw invalid(service.source, `Network=${value}: another container's network has no options`)
      const other = service.other(name)
      service.requires(serviceName(other))
      return ['--network', `container:${containerName(other)}`]
    }
    return ['--network', value]
  })
}

/** `-v` for each `Volume=`. */
export function volumeOptions(service: Service, values: readonly string[]): string[] {
  return values.flatMap((value) => {
    const [source = '', ...rest] = value.split(':')
    if (rest.length === 0) return ['-v', value]
    return ['-v', [sourceOfMount(service, source), ...rest].join(':')]
  })
}

/** A folder of the host's, which the service waits for to be mounted; another quadlet's volume; a volume's name. */
function sourceOfMount(service: Service, source: string): string {
  if (source.endsWith('.volume') && !source.includes('/')) return volumeOf(service, source)
  const path = source.startsWith('.') ? service.beside(source) : source
  if (path.startsWith('/')) service.add('Unit', 'RequiresMountsFor', path)
  return path
}

function volumeOf(service: Service, name: string): string {
  const other = service.other(name)
  service.requires(serviceName(other))
  return volumeName(other)
}

/** `--mount` for each `Mount=`: sources of volumes and images may be quadlets. */
export function mountOptions(service: Service, values: readonly string[]): string[] {
  return values.flatMap((value) => {
    const fields = value.split(',')
    const type = fields.find((field) => field.startsWith('type='))?.slice('type='.length) ?? 'volume'
    const changed = fields.map((field) => {
      const [, key, source] = /^(source|src)=(.*)$/.exec(field) ?? []
      return key === undefined || source === undefined ? field : `${key}=${mountSource(service, type, source)}`
    })
    return ['--mount', changed.join(',')]
  })
}

function mountSource(service: Service, type: string, source: string): string {
  if (type === 'image') return imageReference(service, source)
  return type === 'volume' || type === 'bind' || type === 'glob' ? sourceOfMount(service, source) : source
}

/** An image's name, or what the quadlet `NAME.image` or `NAME.build` makes. */
export function imageReference(service: Service, image: string): string {
  if (!/^[^/]+\.(?:image|build)$/.test(image)) return image
  const other = service.other(image)
  service.requires(serviceName(other))
  const reader = readerOf(other)
  const name = other.kind === 'build' ? reader.all('ImageTag')[0] : (reader.text('ImageTag') ?? reader.text('Image'))
  if (name === undefined)
    throw invalid(other, other.kind === 'build' ? 'ImageTag= is missing in [Build]' : 'Image= is missing in [Image]')
  return name
}
