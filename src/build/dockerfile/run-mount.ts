import { posix } from 'node:path'
import { parseByteSize } from '../../base/byte-size.js'
import { parseCsvLine } from '../../base/csv.js'
import { invalid } from './error.js'
import { nextWorkdir, beneathRoot } from './paths.js'
import { suggestion } from './text.js'

/** `RUN --mount=…`, with BuildKit's defaults filled in. Targets and sources are absolute, sources beneath their root. */
export type RunMount =
  | {
      readonly type: 'bind'
      /** A stage, a named context or an image; undefined: the build's context. */
      readonly from: string | undefined
      readonly source: string
      readonly target: string
      /** What is written where this is false is thrown away with the step. */
      readonly readOnly: boolean
    }
  | {
      readonly type: 'cache'
      readonly id: string
      /** What a new cache begins with; undefined: nothing. */
      readonly from: string | undefined
      readonly source: string
      readonly target: string
      readonly readOnly: boolean
      readonly sharing: 'shared' | 'private' | 'locked'
      /** Of a new cache's folder. */
      readonly owner: MountOwner
    }
  | {
      readonly type: 'tmpfs'
      readonly target: string
      readonly readOnly: boolean
      /** Bytes; 0: no limit of its own. */
      readonly size: number
      readonly mode: number | undefined
    }
  | {
      readonly type: 'secret'
      readonly id: string
      /** Undefined: the environment alone has it. */
      readonly target: string | undefined
      /** Name of a variable. */
      readonly env: string | undefined
      /** The build fails if there is no such secret. */
      readonly required: boolean
      readonly owner: MountOwner
    }
  | {
      readonly type: 'ssh'
      readonly id: string
      /** Undefined: where the engine puts it, and SSH_AUTH_SOCK says. */
      readonly target: string | undefined
      readonly required: boolean
      readonly owner: MountOwner
    }

export interface MountOwner {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

const types = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const
type Type = (typeof types)[number]

/** The names an option goes by, and the types of mount that have it. */
const options: Readonly<Record<string, { readonly is: string; readonly of: readonly Type[] }>> = {
  from: { is: 'from', of: ['bind', 'cache'] },
  source: { is: 'source', of: ['bind', 'cache', 'secret'] },
  src: { is: 'source', of: ['bind', 'cache', 'secret'] },
  target: { is: 'target', of: types },
  dst: { is: 'target', of: types },
  destination: { is: 'target', of: types },
  readonly: { is: 'readonly', of: types },
  ro: { is: 'readonly', of: types },
  readwrite: { is: 'readwrite', of: types },
  rw: { is: 'readwrite', of: types },
  id: { is: 'id', of: types },
  sharing: { is: 'sharing', of: ['cache'] },
  required: { is: 'required', of: ['secret', 'ssh'] },
  size: { is: 'size', of: ['tmpfs'] },
  'tmpfs-size': { is: 'size', of: ['tmpfs'] },
  mode: { is: 'mode', of: ['cache', 'secret', 'ssh'] },
  'tmpfs-mode': { is: 'mode', of: ['tmpfs'] },
  uid: { is: 'uid', of: ['cache', 'secret', 'ssh'] },
  gid: { is: 'gid', of: ['cache', 'secret', 'ssh'] },
  env: { is: 'env', of: ['secret'] },
  /* Buildah's, for SELinux: what a build mounts here carries no labels. */
  z: { is: 'relabel', of: ['bind', 'cache'] },
  relabel: { is: 'relabel', of: ['bind', 'cache'] },
  /* Buildah's, too: nothing is ever mounted beneath what a step binds, so that every way comes to the same. */
  'bind-propagation': { is: 'propagation', of: ['bind', 'cache'] },
}

/**
 * One `--mount`. `expand` replaces variables in values; `workdir` is where relative targets begin. Throws
 * dockerfile-invalid.
 */
export function parseRunMount(text: string, expand: (word: string) => string, workdir: string | undefined): RunMount {
  const fields = readFields(text, expand)
  const type = typeOf(fields.get('type'))
  const values = new Map<string, string | undefined>()
  for (const [key, value] of fields) {
    if (key === 'type') continue
    const option = Object.hasOwn(options, key) ? options[key] : undefined
    if (option === undefined)
      throw invalid(`unexpected key "${key}" in "${text}"${suggestion(key, Object.keys(options))}`)
    if (!option.of.includes(type)) throw invalid(`unexpected key "${key}" for mount type "${type}"`)
    if (option.is === 'propagation') requirePropagation(value ?? '')
    values.set(option.is, value)
  }
  return build(type, new Values(values), workdir)
}

function requirePropagation(value: string): void {
  if (!/^r?(?:shared|slave|private|unbindable)$/.test(value))
    throw invalid(`invalid value for bind-propagation: ${value}`)
}

/** The `from` of a `--mount`, which BuildKit wants to know before it runs anything: variables are not for it. */
export function mountFrom(text: string): string | undefined {
  for (const field of csv(text)) {
    const [key, value] = keyAndValue(field)
    if (key !== 'from' || value === undefined) continue
    if (/\$./.test(value)) throw invalid(`"from" doesn't support variable expansion, define alias stage instead`)
    return value
  }
  return undefined
}

function build(type: Type, values: Values, workdir: string | undefined): RunMount {
  switch (type) {
    case 'bind':
      return { type, ...place(values, workdir), readOnly: values.readOnly(true) }
    case 'cache':
      return {
        type,
        id: values.text('id') || posix.normalize(values.text('target') || '.'),
        ...place(values, workdir),
        readOnly: values.readOnly(false),
        sharing: values.sharing(),
        owner: values.owner(0o755),
      }
    case 'tmpfs':
      return {
        type,
        target: targetOf(values, workdir),
        readOnly: values.readOnly(false),
        size: values.size(),
        mode: values.number('mode', 8),
      }
    case 'secret':
      return secret(values, workdir)
    case 'ssh':
      return {
        type,
        id: values.text('id') || 'default',
        target: values.has('target') ? targetOf(values, workdir) : undefined,
        required: values.flag('required'),
        owner: values.owner(0o600),
      }
  }
}

function secret(values: Values, workdir: string | undefined): RunMount {
  if (values.has('source') && values.has('id')) throw invalid(`both source and id can't be set`)
  const id = values.text('source') || values.text('id') || posix.basename(values.text('target'))
  if (id === '') throw invalid('invalid secret mount: one of source, target required')
  const env = values.has('env', true) ? values.text('env') || id : undefined
  const target = values.has('target')
    ? targetOf(values, workdir)
    : env === undefined
      ? `/run/secrets/${posix.basename(id)}`
      : undefined
  return { type: 'secret', id, target, env, required: values.flag('required'), owner: values.owner(0o400) }
}

function place(
  values: Values,
  workdir: string | undefined,
): { readonly from: string | undefined; readonly source: string; readonly target: string } {
  return {
    from: values.text('from') || undefined,
    source: beneathRoot(values.text('source')),
    target: targetOf(values, workdir),
  }
}

function targetOf(values: Values, workdir: string | undefined): string {
  const target = nextWorkdir(workdir, values.text('target'))
  if (target === '/') throw invalid(`invalid mount target "${values.text('target') || target}"`)
  return target
}

function typeOf(text: string | undefined): Type {
  const type = types.find((each) => each === (text ?? 'bind').toLowerCase())
  if (type === undefined) throw invalid(`unsupported mount type "${text ?? ''}"${suggestion(text ?? '', types)}`)
  return type
}

/** `key=value` and the keys that may stand alone, in lower case, expanded. */
function readFields(text: string, expand: (word: string) => string): Map<string, string | undefined> {
  const fields = new Map<string, string | undefined>()
  for (const field of csv(text)) {
    const [key, value] = keyAndValue(field)
    if (value === undefined && !/^(?:readonly|ro|readwrite|rw|required|z)$/.test(key))
      throw invalid(`invalid field "${field}" must be a key=value pair`)
    fields.set(key, value === undefined ? undefined : expand(value))
  }
  return fields
}

function csv(text: string): string[] {
  const fields = parseCsvLine(text)
  if (fields === undefined) throw invalid(`cannot understand "${text}"`)
  return fields
}

function keyAndValue(field: string): readonly [string, string | undefined] {
  const equals = field.indexOf('=')
  if (equals === -1) return [field.toLowerCase(), undefined]
  return [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)]
}

const truths: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false])),
}

/** The values of one mount's options, by their first names. */
class Values {
  readonly #values: ReadonlyMap<string, string | undefined>

  constructor(values: ReadonlyMap<string, string | undefined>) {
    this.#values = values
  }

  /** Whether an option has a value, or stands there at all. */
  has(name: string, empty = false): boolean {
    return empty ? this.#values.has(name) : this.text(name) !== ''
  }

  text(name: string): string {
    return this.#values.get(name) ?? ''
  }

  flag(name: string): boolean {
    if (!this.#values.has(name)) return false
    const text = this.#values.get(name) ?? 'true'
    const value = Object.hasOwn(truths, text) ? truths[text] : undefined
    if (value === undefined) throw invalid(`invalid value for ${name}: ${text}`)
    return value
  }

  /** The last of `ro` and `rw` counts. */
  readOnly(usual: boolean): boolean {
    const last = Array.from(this.#values.keys()).findLast((name) => name === 'readonly' || name === 'readwrite')
    if (last === undefined) return usual
    return this.flag(last) === (last === 'readonly')
  }

  size(): number {
    if (!this.has('size')) return 0
    const size = parseByteSize(this.text('size'))
    if (size === undefined) throw invalid(`invalid value for size: ${this.text('size')}`)
    return size
  }

  sharing(): 'shared' | 'private' | 'locked' {
    const modes = ['shared', 'private', 'locked'] as const
    const text = this.text('sharing')
    const mode = modes.find((each) => each === (text === '' ? 'shared' : text.toLowerCase()))
    if (mode === undefined) throw invalid(`unsupported sharing value "${text}"${suggestion(text, modes)}`)
    return mode
  }

  number(name: string, base: 8 | 10): number | undefined {
    if (!this.#values.has(name)) return undefined
    const text = this.text(name)
    const value = (base === 8 ? /^[0-7]{1,11}$/ : /^\d{1,10}$/).test(text) ? Number.parseInt(text, base) : NaN
    if (!(value < (name === 'mode' ? 0o10000 : 2 ** 32 - 1))) throw invalid(`invalid value ${text} for ${name}`)
    return value
  }

  owner(usualMode: number): MountOwner {
    return {
      uid: this.number('uid', 10) ?? 0,
      gid: this.number('gid', 10) ?? 0,
      mode: this.number('mode', 8) ?? usualMode,
    }
  }
}
