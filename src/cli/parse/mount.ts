import { resolve } from 'node:path'
import type { MountSpec } from '../../index.js'
import { csvFields } from './csv.js'
import { parseTmpfsOptions, parseVolumeOptions, requireCompatible } from './mount-options.js'
import { invalid, parseBoolean, parseContainerPath, parseOctal, parseSize, row } from './value.js'

/** `-v [SOURCE:]TARGET[:OPTIONS]`: a path is bound, a name is a volume, none is a volume without a name. */
export function parseVolume(text: string): MountSpec {
  const parts = splitColons(text)
  if (parts.length > 3) throw invalid(`"${text}" is not [SOURCE:]TARGET[:OPTIONS]`)
  const [first = '', second, third] = parts
  if (second === undefined) return { type: 'volume', target: parseTarget(first, text), options: [] }
  const options = third === undefined ? [] : parseVolumeOptions(third, text)
  const target = parseTarget(second, text)
  if (isPath(first)) return { type: 'bind', source: hostPath(first), target, options }
  if (first === '') throw invalid(`"${text}" has nothing before the first ":"`)
  return { type: 'volume', name: parseVolumeName(first), target, options }
}

/** A colon after a backslash belongs to the path. */
function splitColons(text: string): string[] {
  return text.split(/(?<!\\):/).map((part) => part.replaceAll('\\:', ':'))
}

function isPath(source: string): boolean {
  return /^(?:\/|\.|~\/)/.test(source)
}

function hostPath(source: string): string {
  if (source.includes('\0')) throw invalid('a path has a null character')
  return resolve(source.startsWith('~/') ? `${home(source)}${source.slice(1)}` : source)
}

function home(source: string): string {
  const folder = process.env['HOME']
  if (folder === undefined || folder === '') throw invalid(`"${source}" needs HOME to be set`)
  return folder
}

function parseTarget(target: string, whole: string): string {
  const path = parseContainerPath(target, `target in "${whole}"`)
  if (/^\/+\.?\/*$/.test(path)) throw invalid(`"${whole}" would be mounted on the root of the container`)
  return path
}

function parseVolumeName(name: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name)) {
    throw invalid(
      `"${name}" is neither a path nor a name of a volume (letters, digits, "_", "." and "-"); a path begins with "/" or "."`,
    )
  }
  return name
}

/** `--tmpfs TARGET[:OPTIONS]` */
export function parseTmpfs(text: string): MountSpec {
  const colon = text.indexOf(':')
  const target = parseTarget(colon < 0 ? text : text.slice(0, colon), text)
  return { type: 'tmpfs', target, options: colon < 0 ? [] : parseTmpfsOptions(text.slice(colon + 1), text) }
}

type Fields = ReadonlyMap<string, string | undefined>
type Maker = (fields: Fields, whole: string) => MountSpec

/** `--mount type=TYPE,KEY=VALUE,…` */
export function parseMount(text: string): MountSpec {
  const fields = new Map(csvFields(text))
  const type = fields.get('type') ?? 'volume'
  fields.delete('type')
  const make = row(makers, type)
  if (make === undefined) {
    if (type === 'glob' || type === 'artifact') throw invalid(`mounts of type "${type}" are not supported`)
    throw invalid(`unknown type "${type}" in "${text}": bind, volume, tmpfs, image, devpts or ramfs`)
  }
  return make(new Map([...fields].map(([key, value]) => [row(synonyms, key) ?? key, value])), text)
}

const synonyms: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  readonly: 'ro',
  'volume-subpath': 'subpath',
  'image-subpath': 'subpath',
  chown: 'U',
  'tmpfs-size': 'size',
  'tmpfs-mode': 'mode',
  'volume-nocopy': 'nocopy',
  'bind-nonrecursive': 'nonrecursive',
  readwrite: 'rw',
}

/** Fields that are options as they are, for every type that takes them: `ro`, `noexec=true`. */
const switches = [
  'ro',
  'rw',
  'U',
  'noexec',
  'exec',
  'nosuid',
  'suid',
  'nodev',
  'dev',
  'nocopy',
  'copy',
  'no-dereference',
  'noatime',
  'tmpcopyup',
  'notmpcopyup',
  'noswap',
] as const
const opposites: Readonly<Record<string, string>> = {
  ro: 'rw',
  rw: 'ro',
  noexec: 'exec',
  exec: 'noexec',
  nosuid: 'suid',
  suid: 'nosuid',
  nodev: 'dev',
  dev: 'nodev',
  nocopy: 'copy',
  copy: 'nocopy',
}

const makers: Readonly<Record<string, Maker | undefined>> = {
  bind: (fields, whole) => {
    only(fields, whole, [
      'source',
      'target',
      'bind-propagation',
      'nonrecursive',
      'relabel',
      'idmap',
      'consistency',
      'create-mountpoint',
      'bind-create-src',
      ...switches,
    ])
    const source = fields.get('source')
    if (source === undefined || source === '') throw invalid(`"${whole}" needs a source`)
    const createSource = isOn(fields, 'create-mountpoint') || isOn(fields, 'bind-create-src')
    const options = [
      ...switchesOf(fields, whole),
      ...propagation(fields, whole),
      ...relabel(fields, whole),
      ...idmap(fields),
      ...(isOn(fields, 'nonrecursive') ? ['bind'] : []),
    ]
    return {
      type: 'bind',
      source: hostPath(source),
      target: targetOf(fields, whole),
      options: requireCompatible(options, whole),
      ...(createSource ? { createSource } : {}),
    }
  },
  volume: (fields, whole) => {
    only(fields, whole, [
      'source',
      'target',
      'subpath',
      'idmap',
      'consistency',
      'bind-propagation',
      'relabel',
      'volume-label',
      'volume-opt',
      'volume-driver',
      ...switches,
    ])
    for (const key of ['volume-label', 'volume-opt', 'volume-driver'])
      if (fields.has(key)) throw invalid(`"${key}" is not supported in a mount: create the volume first`)
    const name = fields.get('source')
    const subpath = subpathOf(fields, whole)
    const options = [
      ...switchesOf(fields, whole),
      ...propagation(fields, whole),
      ...relabel(fields, whole),
      ...idmap(fields),
    ]
    return {
      type: 'volume',
      ...(name === undefined || name === '' ? {} : { name: parseVolumeName(name) }),
      target: targetOf(fields, whole),
      options: requireCompatible(options, whole),
      ...subpath,
    }
  },
  tmpfs: (fields, whole) => tmpfs('tmpfs', fields, whole),
  ramfs: (fields, whole) => tmpfs('ramfs', fields, whole),
  devpts: (fields, whole) => {
    only(fields, whole, ['target', 'uid', 'gid', 'mode', 'max'])
    const numbers = ['uid', 'gid', 'max']
      .filter((key) => fields.has(key))
      .map((key) => `${key}=${parseNumber(fields, key, whole)}`)
    const mode = fields.get('mode')
    return {
      type: 'devpts',
      target: targetOf(fields, whole),
      options: [...numbers, ...(mode === undefined ? [] : [`mode=${parseOctal(mode).toString(8)}`])],
    }
  },
  image: (fields, whole) => {
    only(fields, whole, ['source', 'target', 'rw', 'ro', 'subpath'])
    const image = fields.get('source')
    if (image === undefined || image === '') throw invalid(`"${whole}" needs a source`)
    return {
      type: 'image',
      image,
      target: targetOf(fields, whole),
      writable: isOn(fields, 'rw'),
      ...subpathOf(fields, whole),
    }
  },
}

function tmpfs(type: 'tmpfs' | 'ramfs', fields: Fields, whole: string): MountSpec {
  only(fields, whole, ['target', 'size', 'mode', 'uid', 'gid', 'bind-propagation', 'consistency', ...switches])
  if (fields.has('source')) throw invalid(`"${whole}" has no source`)
  const size = fields.get('size')
  const mode = fields.get('mode')
  const options = [
    ...switchesOf(fields, whole),
    ...propagation(fields, whole),
    ...(size === undefined ? [] : [size.endsWith('%') ? `size=${size}` : `size=${parseSize(size)}`]),
    ...(mode === undefined ? [] : [`mode=${parseOctal(mode).toString(8)}`]),
    ...['uid', 'gid'].filter((key) => fields.has(key)).map((key) => `${key}=${parseNumber(fields, key, whole)}`),
  ]
  return { type, target: targetOf(fields, whole), options: requireCompatible(options, whole) }
}

function only(fields: Fields, whole: string, allowed: readonly string[]): void {
  for (const key of fields.keys()) if (!allowed.includes(key)) throw invalid(`invalid option "${key}" in "${whole}"`)
}

function targetOf(fields: Fields, whole: string): string {
  const target = fields.get('target')
  if (target === undefined || target === '') throw invalid(`"${whole}" needs a target`)
  return parseTarget(target, whole)
}

/** `ro`, `ro=true`: on. */
function isOn(fields: Fields, key: string): boolean {
  return fields.has(key) && parseBoolean(fields.get(key) ?? 'true')
}

function switchesOf(fields: Fields, whole: string): string[] {
  return switches
    .filter((key) => fields.has(key))
    .flatMap((key) => {
      if (isOn(fields, key)) return [key]
      const opposite = opposites[key]
      if (opposite !== undefined && fields.has(opposite))
        throw invalid(`"${key}" and "${opposite}" in "${whole}" exclude each other`)
      return opposite === undefined ? [] : [opposite]
    })
}

function propagation(fields: Fields, whole: string): string[] {
  const value = fields.get('bind-propagation')
  if (!fields.has('bind-propagation')) return []
  if (!/^r?(?:private|shared|slave|unbindable)$/.test(value ?? ''))
    throw invalid(`unknown propagation "${value ?? ''}" in "${whole}"`)
  return [value ?? '']
}

function relabel(fields: Fields, whole: string): string[] {
  if (!fields.has('relabel')) return []
  const value = fields.get('relabel')
  if (value === 'shared') return ['z']
  if (value === 'private') return ['Z']
  throw invalid(`relabel in "${whole}" must be shared or private`)
}

function idmap(fields: Fields): string[] {
  if (!fields.has('idmap')) return []
  const value = fields.get('idmap')
  return [value === undefined ? 'idmap' : `idmap=${value}`]
}

function parseNumber(fields: Fields, key: string, whole: string): number {
  const value = fields.get(key) ?? ''
  if (!/^\d{1,10}$/.test(value)) throw invalid(`${key} in "${whole}" is not a number`)
  return Number(value)
}

/** Stays beneath the volume; the engine resolves it beneath a root anyway. */
function subpathOf(fields: Fields, whole: string): { subpath?: string } {
  const subpath = fields.get('subpath')
  if (subpath === undefined) return {}
  if (subpath.split('/').includes('..')) throw invalid(`the subpath in "${whole}" leads out of the volume`)
  return { subpath }
}
