import type { NamespaceMode, UserNamespaceMode } from '../../index.js'
import { invalid, parseInteger } from './value.js'

type PlainMode = 'private' | 'host' | 'none' | 'shareable'

/** `private`, `host`, `container:NAME`, `ns:PATH` and what else this kind of namespace has. */
export function parseNamespace(text: string, allowed: readonly PlainMode[]): NamespaceMode | undefined {
  if (text === '') return undefined
  const plain = allowed.find((mode) => mode === text)
  if (plain !== undefined) return { mode: plain }
  const shared = parseShared(text)
  if (shared !== undefined) return shared
  throw invalid(`unknown mode "${text}": ${[...allowed, 'container:NAME', 'ns:PATH'].join(', ')}`)
}

function parseShared(text: string): Extract<NamespaceMode, { mode: 'container' | 'path' }> | undefined {
  const [, kind, rest = ''] = /^(container|ns):(.*)$/.exec(text) ?? []
  if (kind === undefined) return undefined
  if (kind === 'container') {
    if (rest === '') throw invalid('"container:" needs a name or an ID')
    return { mode: 'container', container: rest }
  }
  if (!rest.startsWith('/')) throw invalid('"ns:" needs the absolute path of a namespace')
  return { mode: 'path', path: rest }
}

const pattern = /^(host|keep-id|nomap|no-map|auto|private)(?::(.*))?$/

/** `host`, `keep-id[:uid=,gid=,size=]`, `nomap`, `auto[:size=,uidmapping=,gidmapping=]`, `container:NAME`, `ns:PATH`. */
export function parseUserNamespace(text: string): UserNamespaceMode | undefined {
  if (text === '' || text === 'private') return undefined
  const shared = parseShared(text)
  if (shared !== undefined) return shared
  const [, mode, options] = pattern.exec(text) ?? []
  switch (mode) {
    case 'host':
      return without(options, { mode: 'host' }, text)
    case 'nomap':
    case 'no-map':
      return without(options, { mode: 'nomap' }, text)
    case 'keep-id':
      return keepId(options, text)
    case 'auto':
      return auto(options, text)
    default:
      throw invalid(`unknown mode "${text}": host, keep-id, nomap, auto, container:NAME or ns:PATH`)
  }
}

function without(options: string | undefined, mode: UserNamespaceMode, text: string): UserNamespaceMode {
  if (options !== undefined) throw invalid(`"${text}": this mode takes no options`)
  return mode
}

const maximumId = 2 ** 32 - 2

function keepId(options: string | undefined, text: string): UserNamespaceMode {
  const pairs = pairsOf(options, ['uid', 'gid', 'size'], text)
  const number = (key: string) =>
    pairs
      .filter(([name]) => name === key)
      .map(([, value]) => parseInteger(value, 0, maximumId))
      .at(-1)
  const [uid, gid, size] = ['uid', 'gid', 'size'].map(number)
  return {
    mode: 'keep-id',
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(size === undefined ? {} : { size }),
  }
}

function auto(options: string | undefined, text: string): UserNamespaceMode {
  const pairs = pairsOf(options, ['size', 'uidmapping', 'gidmapping'], text)
  const all = (key: string) => pairs.filter(([name]) => name === key).map(([, value]) => value)
  const size = all('size')
    .map((value) => parseInteger(value, 1, maximumId))
    .at(-1)
  const [uidMapping, gidMapping] = [all('uidmapping').map(parseIdMap), all('gidmapping').map(parseIdMap)] as const
  return {
    mode: 'auto',
    ...(size === undefined ? {} : { size }),
    ...(uidMapping.length === 0 ? {} : { uidMapping }),
    ...(gidMapping.length === 0 ? {} : { gidMapping }),
  }
}

function pairsOf(
  options: string | undefined,
  allowed: readonly string[],
  text: string,
): readonly (readonly [string, string])[] {
  if (options === undefined) return []
  return options.split(',').map((option) => {
    const [key = '', value] = option.split('=', 2)
    if (!allowed.includes(key) || value === undefined)
      throw invalid(`unknown option "${option}" in "${text}": ${allowed.map((name) => `${name}=`).join(', ')}`)
    return [key, value]
  })
}

/** `--uidmap CONTAINER:HOST:SIZE`, with Podman's `@`, `+`, `u`, `g` prefixes and a size of 1 if it is left out. */
export function parseIdMap(text: string): string {
  if (!/^[+ug]*\d{1,10}:@?\d{1,10}(?::\d{1,10})?$/.test(text)) throw invalid(`"${text}" is not CONTAINER:HOST:SIZE`)
  return text
}
