import { TspodError } from '../base/errors.js'

/** containers-policy.json(5), “Policy requirements”: one thing that an image has to fulfil. */
export type Requirement =
  { readonly type: 'insecureAcceptAnything' } | { readonly type: 'reject' } | SignedByRequirement | SigstoreRequirement

/** A simple signature, by gpg. */
export interface SignedByRequirement {
  readonly type: 'signedBy'
  readonly keyType: 'GPGKeys' | 'signedByGPGKeys' | 'X509Certificates' | 'signedByX509CAs'
  readonly keys: KeySource
  readonly signedIdentity: SignedIdentity
}

/** A sigstore signature, by a key or by a certificate. */
export interface SigstoreRequirement {
  readonly type: 'sigstoreSigned'
  /** undefined: by a certificate of an authority, which `authority` names. */
  readonly keys?: KeySource
  readonly authority?: 'fulcio' | 'pki'
  readonly rekorKeys?: KeySource
  readonly signedIdentity: SignedIdentity
}

export type KeySource =
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  /** base64 */
  | { readonly kind: 'data'; readonly data: readonly string[] }

/** What the name in a signature has to be. */
export type SignedIdentity =
  | { readonly type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository' }
  | { readonly type: 'exactReference'; readonly dockerReference: string }
  | { readonly type: 'exactRepository'; readonly dockerRepository: string }
  | { readonly type: 'remapIdentity'; readonly prefix: string; readonly signedPrefix: string }

type Table = Readonly<Record<string, unknown>>

const keyTypes = ['GPGKeys', 'signedByGPGKeys', 'X509Certificates', 'signedByX509CAs'] as const
const mostKeys = 64

/** Reads a requirement. What is not understood is refused: it may be what keeps an image out. */
export function parseRequirement(table: Table, path: string): Requirement {
  const { type } = table
  switch (type) {
    case 'insecureAcceptAnything':
    case 'reject':
      only(table, ['type'], path)
      return { type }
    case 'signedBy':
      return parseSignedBy(table, path)
    case 'sigstoreSigned':
      return parseSigstore(table, path)
    default:
      throw wrong(path, `unknown type of requirement ${JSON.stringify(type)}`)
  }
}

function parseSignedBy(table: Table, path: string): SignedByRequirement {
  only(table, ['type', 'keyType', 'keyPath', 'keyPaths', 'keyData', 'signedIdentity'], path)
  const keyType = keyTypes.find((one) => one === table['keyType'])
  if (keyType === undefined) throw wrong(path, `unknown keyType ${JSON.stringify(table['keyType'])}`)
  const keys = keySource(table, 'key', path)
  if (keys === undefined) throw wrong(path, 'signedBy needs exactly one of keyPath, keyPaths and keyData')
  return { type: 'signedBy', keyType, keys, signedIdentity: parseIdentity(table['signedIdentity'], path) }
}

const sigstoreKeys = ['type', 'keyPath', 'keyPaths', 'keyData', 'keyDatas', 'fulcio', 'pki', 'signedIdentity']
const rekorKeys = ['Path', 'Paths', 'Data', 'Datas'].map((end) => `rekorPublicKey${end}`)

function parseSigstore(table: Table, path: string): SigstoreRequirement {
  only(table, [...sigstoreKeys, ...rekorKeys], path)
  const keys = keySource(table, 'key', path)
  const authorities = (['fulcio', 'pki'] as const).filter((name) => table[name] !== undefined)
  if ((keys === undefined ? 0 : 1) + authorities.length !== 1)
    throw wrong(path, 'sigstoreSigned needs exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki')
  const [authority] = authorities
  const rekor = keySource(table, 'rekorPublicKey', path)
  if (authority === 'fulcio' && rekor === undefined) throw wrong(path, 'fulcio needs a rekorPublicKey')
  if (authority === 'pki' && rekor !== undefined) throw wrong(path, 'pki does not go with a rekorPublicKey')
  return {
    type: 'sigstoreSigned',
    ...(keys === undefined ? {} : { keys }),
    ...(authority === undefined ? {} : { authority }),
    ...(rekor === undefined ? {} : { rekorKeys: rekor }),
    signedIdentity: parseIdentity(table['signedIdentity'], path),
  }
}

/** `keyPath`, `keyPaths`, `keyData`, `keyDatas`: one of them or none. */
function keySource(table: Table, name: string, path: string): KeySource | undefined {
  const given = ['Path', 'Paths', 'Data', 'Datas'].filter((end) => table[`${name}${end}`] !== undefined)
  const [end] = given
  if (end === undefined) return undefined
  if (given.length > 1)
    throw wrong(path, `only one of ${given.map((one) => `${name}${one}`).join(' and ')} can be given`)
  const value = table[`${name}${end}`]
  const list = end.endsWith('s') ? value : [value]
  const isList = Array.isArray(list) && list.length > 0 && list.length <= mostKeys
  if (!isList || !list.every((one): one is string => typeof one === 'string' && one !== ''))
    throw wrong(path, `${name}${end} has no texts`)
  return end.startsWith('Path') ? { kind: 'files', paths: list } : { kind: 'data', data: list }
}

function parseIdentity(value: unknown, path: string): SignedIdentity {
  if (value === undefined) return { type: 'matchRepoDigestOrExact' }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(path, 'signedIdentity is no object')
  const table = value as Table
  const { type } = table
  const textOf = (key: string): string => {
    const text = table[key]
    if (typeof text !== 'string' || text === '') throw wrong(path, `${String(type)} needs ${key}`)
    return text
  }
  switch (type) {
    case 'matchExact':
    case 'matchRepoDigestOrExact':
    case 'matchRepository':
      only(table, ['type'], path)
      return { type }
    case 'exactReference':
      only(table, ['type', 'dockerReference'], path)
      return { type, dockerReference: textOf('dockerReference') }
    case 'exactRepository':
      only(table, ['type', 'dockerRepository'], path)
      return { type, dockerRepository: textOf('dockerRepository') }
    case 'remapIdentity':
      only(table, ['type', 'prefix', 'signedPrefix'], path)
      return { type, prefix: textOf('prefix'), signedPrefix: textOf('signedPrefix') }
    default:
      throw wrong(path, `unknown signedIdentity ${JSON.stringify(type)}`)
  }
}

function only(table: Table, known: readonly string[], path: string): void {
  for (const key of Object.keys(table))
    if (!known.includes(key)) throw wrong(path, `unknown key ${JSON.stringify(key)} in a requirement`)
}

function wrong(path: string, why: string): TspodError {
  return new TspodError('config-invalid', `${path} is not a valid policy: ${why}`)
}
