import { mkdirSync, lstatSync } from 'node:fs'
import { hostname } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { getrlimit, isatty } from '../../base/syscalls.js'
import type { CompleteSpec } from '../../container/complete-spec.js'
import type { ContainerRecord } from '../../container/record.js'
import type { MountSpec } from '../../container/spec.js'
import { writeFileAtomic } from '../../state/file.js'
import type { Observation, Write } from '../../base/looks.js'
import { marksOf } from '../../state/marks.js'
import type { Context, Repeatable } from '../context.js'
import { containerEvent, eventsPath } from '../events/write.js'
import { nameWords } from './names.js'
import { containerPaths, halfFolder } from './store.js'

/**
 * A start that went well is kept with all that it looked at and wrote, so that the next one with the same command line,
 * environment and caller need not ask again: native/kept-start.c compares, writes the same under a new ID, and launches,
 * without Node. What is kept lies in the session's folder, and a reboot voids it.
 */

const magic = 'tspod kept start 2'
/** In $XDG_RUNTIME_DIR. */
export const keptStartsFolder = 'tspod-starts'
/** As native/kept-start.c has them. */
const slots = 128
const maximumSize = 256 * 1024

export interface Start {
  readonly record: ContainerRecord
  /** Its name was asked for. */
  readonly named: boolean
  readonly lockFd: number
  /** argv of the launch, its first the verb. */
  readonly launch: readonly string[]
}

/** Keeps a start if it is one that comes out the same again. Never fails: what is not kept is worked out anew. */
export function keepStart(context: Context, start: Start): void {
  const { repeatable } = context.options
  if (repeatable === undefined) return
  const { observation } = repeatable
  try {
    const obstacle = observation.obstacle ?? obstacleOf(context, start)
    const fields = obstacle === undefined ? fieldsOf(context, repeatable, start, observation) : undefined
    context.log('debug', `this start is ${fields === undefined ? `not kept: ${obstacle ?? 'things changed'}` : 'kept'}`)
    if (fields !== undefined) write(context, repeatable, fields)
  } catch (error) {
    context.log('debug', `this start is not kept: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What of a start is other things' business, or differs from one to the next. */
function obstacleOf(context: Context, { record, named }: Start): string | undefined {
  const { spec } = record
  const rules: Readonly<Record<string, boolean>> = {
    'root calls': process.geteuid?.() === 0,
    'it outlives its run': !record.ephemeral || !spec.remove,
    'another runtime': context.options.runtime !== undefined || context.env['TSPOD_NATIVE_DIR'] !== undefined,
    'a service manager is told': (context.env['NOTIFY_SOCKET'] ?? '') !== '',
    volumes: record.anonymousVolumes.length > 0 || !spec.mounts.every(isPlain),
    'ports or shared namespaces': spec.publish.length > 0 || spec.publishAll || !isAlone(spec),
    'devices, hooks or checks': spec.devices.length > 0 || spec.hooksDir.length > 0 || spec.healthcheck !== undefined,
    'files or descriptors of the caller':
      spec.preserveFds > 0 || [spec.cidfile, spec.pidfile, spec.conmonPidfile].some(isGiven),
    'a root file system of its own': spec.rootfs !== undefined || record.storageDriver === 'copy',
    'a time zone or init of the host': spec.timezone !== undefined || spec.initPath !== undefined,
    'its owner watches': spec.lifetime === 'process',
    'its log is the journal': spec.log.driver === 'journald' || spec.log.path !== undefined,
    'its cgroup is ours': spec.cgroups === 'split',
    'its name is elsewhere, too': !named && JSON.stringify([spec, context.paths]).includes(record.name),
  }
  return Object.keys(rules).find((rule) => rules[rule] === true)
}

const isGiven = (value: string | undefined): boolean => value !== undefined

/** Folders of the host, and what is made anew in memory. */
function isPlain(mount: MountSpec): boolean {
  if (mount.type === 'bind')
    return !mount.options.some((option) => option === 'O' || option === 'U' || option.startsWith('copyup'))
  return mount.type === 'tmpfs' || mount.type === 'devpts' || mount.type === 'ramfs'
}

function isAlone({ namespaces, network, uidMap, gidMap }: CompleteSpec): boolean {
  const { user, ...others } = namespaces
  return (
    user.mode === 'host' &&
    uidMap.length + gidMap.length === 0 &&
    Object.values(others).every(({ mode }) => mode !== 'container' && mode !== 'path') &&
    ['none', 'host', 'slirp4netns'].includes(network.mode)
  )
}

/** The texts of the file in the order in which native/kept-start.c and kept-replay.c read them; undefined if not all are settled. */
function fieldsOf(
  context: Context,
  { argv, cwd }: Repeatable,
  start: Start,
  { looks, writes, since }: Observation,
): string[] | undefined {
  const { record } = start
  const { paths } = context
  const own = containerPaths(paths, record.id)
  const half = halfFolder(paths, record.id)
  const seen = [...looks.values()].filter(({ path }) => !path.includes(record.id)).map((look) => marksOf(look, since))
  const marks = seen.filter((mark) => mark !== undefined)
  const [made, run] = [half, own.run].map((folder) => writes.filter(({ path }) => isIn(path, folder))) as [
    Write[],
    Write[],
  ]
  if (marks.length < seen.length || made.length + run.length < writes.length) return undefined
  const { ID: _id, Name: _name, ...event } = containerEvent(record, 'create')
  const words = start.named ? { adjectives: [], surnames: [] } : nameWords
  return [
    magic,
    process.argv[1] ?? '',
    ...counted(argv),
    cwd,
    callerFacts(),
    String(marks.length),
    ...marks.flat(),
    paths.tmp,
    paths.locks,
    paths.names,
    join(paths.images, '.lock'),
    ...counted(words.adjectives),
    ...counted(words.surnames),
    record.id,
    record.name,
    record.created,
    own.lock,
    String(start.lockFd),
    half,
    own.folder,
    ...written(made),
    ...written(run),
    eventsPath(paths),
    JSON.stringify({ ...event, ID: record.id, Name: record.name }).replace('{', ','),
    ...counted(start.launch),
  ]
}

const isIn = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

const counted = (texts: readonly string[]): string[] => [String(texts.length), ...texts]

function written(writes: readonly Write[]): string[] {
  const fields = writes.flatMap(({ kind, path, mode, text }) => [
    kind === 'folder' ? 'd' : 'f',
    path,
    mode.toString(8),
    text,
  ])
  return [String(writes.length), ...fields]
}

/** What the kernel knows of the caller that a start depends on (native/kept-looks.c). */
function callerFacts(): string {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0]
  const limits = `${getrlimit('nofile').hard} ${getrlimit('nproc').hard}`
  const terminals = [0, 1, 2].map((fd) => (isatty(fd) ? '1' : '0')).join('')
  return `${uid} ${gid} ${process.umask().toString(8)} ${limits} ${terminals} ${hostname()}`
}

function write({ env }: Context, repeatable: Repeatable, fields: readonly string[]): void {
  const session = env['XDG_RUNTIME_DIR'] ?? ''
  const text = fields.map((field) => `${field}\0`).join('')
  if (!isAbsolute(session) || Buffer.byteLength(text) > maximumSize) return
  if (text.split('\0').length !== fields.length + 1) return
  const folder = join(session, keptStartsFolder)
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) mkdirSync(folder, { mode: 0o700 })
  writeFileAtomic(join(folder, slotOf(repeatable).toString(16).padStart(2, '0')), text)
}

/** FNV-1a over the arguments and the folder, each with a zero byte behind it. */
function slotOf({ argv, cwd }: Repeatable): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from([...argv, cwd, ''].join('\0'))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return ((hash ^ (hash >>> 16)) >>> 0) % slots
}
