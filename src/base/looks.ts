/**
 * What a command looked at and wrote, for who wants to do the same again without asking (engine/containers/kept-start.ts).
 * Nothing is noted unless somebody observes. A process observes one command at most.
 */

/**
 * `file`: its content, by its marks (inode, owner, mode, times). `entry`: that a name is there. `text`: a file of the
 * kernel, which has no marks but its content. `filesystem`: of which type. `addresses`: those of the host. `variable`
 * and `unset`: of the environment.
 */
export type LookKind = 'file' | 'entry' | 'text' | 'filesystem' | 'addresses' | 'variable' | 'unset'

export interface Look {
  readonly kind: LookKind
  readonly path: string
  /** What was seen, where it is not read from the file's marks later. */
  readonly seen?: string
  /** Of the file that was read; 0: there was none. */
  readonly inode?: number
}

export interface Write {
  readonly kind: 'folder' | 'file'
  readonly path: string
  readonly mode: number
  readonly text: string
}

export interface Observation {
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly looks: Map<string, Look>
  readonly writes: Write[]
  /** Why the same command must not be done again in this way. */
  obstacle?: string
}

let current: Observation | undefined

/** Begins to note. */
export function observe(): Observation {
  current = { since: Date.now(), looks: new Map(), writes: [] }
  return current
}

/** Looks at what is other commands' business: what is seen there has no part in what comes out, but if it was changed. */
export async function aside(action: () => Promise<void>): Promise<void> {
  const before = current
  if (before === undefined) return action()
  const meanwhile = observe()
  try {
    await action()
  } finally {
    current = before
    if (meanwhile.obstacle !== undefined) unrepeatable(meanwhile.obstacle)
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** An environment of which it is noted what is asked for. Who asks for all of it can't be repeated. */
export function observed<E extends Environment>(env: E): E {
  const ask = (name: string | symbol): void => {
    if (typeof name === 'string') lookedAtVariable(name, env[name])
  }
  return new Proxy(env, {
    get: (target, name) => (ask(name), Reflect.get(target, name) as unknown),
    has: (target, name) => (ask(name), Reflect.has(target, name)),
    ownKeys: (target) => (unrepeatable('the whole environment was looked at'), Reflect.ownKeys(target)),
  })
}

export function lookedAtVariable(name: string, value: string | undefined): void {
  if (current !== undefined)
    note(value === undefined ? { kind: 'unset', path: name, seen: '' } : { kind: 'variable', path: name, seen: value })
}

/** A file that was read, or looked for: inode 0 if there is none. Those of the kernel are known by their text. */
export function lookedAtFile(path: string, text?: string, inode?: number): void {
  if (current === undefined) return
  if (!path.startsWith('/proc/') && !path.startsWith('/sys/'))
    note({ kind: 'file', path, ...(inode === undefined ? {} : { inode }) })
  else if (path !== ownStatus) note({ kind: 'text', path, seen: text ?? '' })
}

/** It changes all the time; native/kept-looks.c asks the kernel for what we read there. */
const ownStatus = '/proc/self/status'

/** A name that was looked for, or something else of the world. */
export function lookedAt(kind: LookKind, path: string, seen?: string): void {
  if (current !== undefined) note({ kind, path, ...(seen === undefined ? {} : { seen }) })
}

export function wrote(kind: Write['kind'], path: string, mode: number, data: string | Uint8Array): void {
  if (current === undefined) return
  if (typeof data !== 'string') unrepeatable(`bytes were written to ${path}`)
  else current.writes.push({ kind, path, mode, text: data })
}

/** What was done now is not to be done by the next command, or not in the same way. */
export function unrepeatable(obstacle: string): void {
  if (current !== undefined) current.obstacle ??= obstacle
}

function note(look: Look): void {
  current?.looks.set(`${look.kind} ${look.path}`, look)
}
