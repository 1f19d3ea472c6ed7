import { TspodError } from '../base/errors.js'
import { isDigest } from '../base/digest.js'
import { mediaTypes } from '../oci/image-spec.js'
import type { Digest, ImageConfig, ImageHistory, ImageManifest, ImageRunConfig } from '../oci/image-spec.js'
import { parseObject, parseTexts, requireObject } from './manifest.js'

/** A configuration larger than this is refused before it is read whole. */
export const maximumConfigSize = 8 * 1024 * 1024

const configTypes: readonly string[] = [mediaTypes.ociConfig, mediaTypes.dockerConfig]
const layerTypes: readonly string[] = [
  mediaTypes.ociLayer,
  mediaTypes.ociLayerGzip,
  mediaTypes.ociLayerZstd,
  mediaTypes.dockerLayer,
  mediaTypes.dockerLayerGzip,
  mediaTypes.dockerForeignLayerGzip,
  'application/vnd.docker.image.rootfs.diff.tar.zstd',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
]

/** Refuses manifests that describe no image that could run: artifacts, encrypted layers. */
export function requireImage(manifest: ImageManifest): void {
  if (!configTypes.includes(manifest.config.mediaType)) {
    throw new TspodError(
      'image-invalid',
      `unsupported image-specific operation on artifact with type ${JSON.stringify(manifest.artifactType ?? manifest.config.mediaType)}`,
    )
  }
  if (manifest.config.size > maximumConfigSize) {
    throw new TspodError(
      'limit-exceeded',
      `the image's configuration is larger than ${String(maximumConfigSize)} bytes`,
    )
  }
  for (const layer of manifest.layers) {
    if (!layerTypes.includes(layer.mediaType)) {
      throw new TspodError('image-invalid', `layer ${layer.digest} has the unsupported type ${layer.mediaType}`)
    }
  }
}

/** image-spec, config.md. Fields that a container is started with are checked; unknown ones are left out. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  if (bytes.length > maximumConfigSize) throw new TspodError('limit-exceeded', 'the image configuration is too large')
  const document = parseObject(bytes, 'image configuration')
  const rootfs = requireObject(document['rootfs'], 'the rootfs of the image configuration')
  const diffIds = rootfs['diff_ids'] ?? []
  if (!Array.isArray(diffIds) || !diffIds.every((one): one is Digest => isDigest(one))) {
    throw bad('its diff_ids are not a list of digests')
  }
  const config = document['config']
  return {
    ...optionalText(document, 'created'),
    ...optionalText(document, 'author'),
    architecture: textOr(document['architecture'], ''),
    os: textOr(document['os'], 'linux'),
    ...optionalText(document, 'variant'),
    ...(config === undefined || config === null ? {} : { config: parseRunConfig(config) }),
    rootfs: { type: 'layers', diff_ids: diffIds },
    ...(Array.isArray(document['history']) ? { history: document['history'].map(parseHistory) } : {}),
  }
}

/** As many layers as DiffIDs, or one of both is lying. */
export function requireSameLayers(manifest: ImageManifest, config: ImageConfig): void {
  if (manifest.layers.length !== config.rootfs.diff_ids.length) {
    throw new TspodError(
      'image-invalid',
      `the manifest has ${String(manifest.layers.length)} layers, the configuration ${String(config.rootfs.diff_ids.length)}`,
    )
  }
}

function parseRunConfig(value: unknown): ImageRunConfig {
  const run = requireObject(value, 'the config of the image configuration')
  return {
    ...optionalText(run, 'User'),
    ...optionalText(run, 'WorkingDir'),
    ...optionalText(run, 'StopSignal'),
    ...optionalTexts(run, 'Env'),
    ...optionalTexts(run, 'Entrypoint'),
    ...optionalTexts(run, 'Cmd'),
    ...optionalTexts(run, 'Shell'),
    ...optionalTexts(run, 'OnBuild'),
    ...optionalKeys(run, 'ExposedPorts'),
    ...optionalKeys(run, 'Volumes'),
    ...(run['Labels'] === undefined || run['Labels'] === null
      ? {}
      : { Labels: parseTexts(run['Labels'], 'its Labels') }),
    ...(run['Healthcheck'] === undefined || run['Healthcheck'] === null
      ? {}
      : { Healthcheck: parseHealthcheck(run['Healthcheck']) }),
  }
}

function parseHealthcheck(value: unknown): NonNullable<ImageRunConfig['Healthcheck']> {
  const check = requireObject(value, 'the Healthcheck')
  const number = (key: string): Record<string, number> => {
    const found = check[key]
    return typeof found === 'number' && Number.isFinite(found) && found >= 0 ? { [key]: found } : {}
  }
  return {
    ...optionalTexts(check, 'Test'),
    ...number('Interval'),
    ...number('Timeout'),
    ...number('StartPeriod'),
    ...number('StartInterval'),
    ...number('Retries'),
  }
}

function parseHistory(value: unknown): ImageHistory {
  const entry = requireObject(value, 'a history entry')
  return {
    ...optionalText(entry, 'created'),
    ...optionalText(entry, 'created_by'),
    ...optionalText(entry, 'author'),
    ...optionalText(entry, 'comment'),
    ...(entry['empty_layer'] === true ? { empty_layer: true } : {}),
  }
}

function optionalText(object: Record<string, unknown>, key: string): Record<string, string> {
  const value = object[key]
  if (value === undefined || value === null) return {}
  if (typeof value !== 'string') throw bad(`its ${key} is no text`)
  return { [key]: value }
}

function optionalTexts(object: Record<string, unknown>, key: string): Record<string, readonly string[]> {
  const value = object[key]
  if (value === undefined || value === null) return {}
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
    throw bad(`its ${key} is no list of texts`)
  return { [key]: value }
}

function optionalKeys(object: Record<string, unknown>, key: string): Record<string, Readonly<Record<string, object>>> {
  const value = object[key]
  if (value === undefined || value === null) return {}
  const keys = Object.keys(requireObject(value, `its ${key}`))
  return { [key]: Object.fromEntries(keys.map((one) => [one, {}])) }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

function bad(why: string): TspodError {
  return new TspodError('image-invalid', `the image configuration is not valid: ${why}`)
}
