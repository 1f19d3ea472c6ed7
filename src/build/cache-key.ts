import { hexDigestOf } from '../base/digest.js'

/** What a key is made of: anything JSON can say. Members that are undefined do not count. */
export type KeyPart =
  string | number | boolean | null | undefined | readonly KeyPart[] | { readonly [name: string]: KeyPart }

/** Another number makes every older cache unknown: for when a step's result comes to depend on something new. */
const generation = 1

/**
 * The key of a step: of what it does (`kind` and everything that its result depends on) and of what it does it to (the
 * parent's key). 64 hexadecimal digits. Equal values give equal keys, in whatever order their members are.
 */
export function stepKey(kind: string, parent: string, parts: KeyPart): string {
  return hexDigestOf(canonical([generation, kind, parent, parts]))
}

/** JSON with sorted members: one text for one value. */
export function canonical(value: KeyPart): string {
  if (value === undefined || value === null) return 'null'
  if (typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonical).join(',')}]`
  const members = Object.keys(value)
    .sort()
    .flatMap((name) => (value[name] === undefined ? [] : [`${JSON.stringify(name)}:${canonical(value[name])}`]))
  return `{${members.join(',')}}`
}

function isList(value: readonly KeyPart[] | { readonly [name: string]: KeyPart }): value is readonly KeyPart[] {
  return Array.isArray(value)
}
