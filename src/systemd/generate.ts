import { joinWords, literalWord, quoteWord } from './words.js'

/** What a service for one container says. */
export interface ServiceRequest {
  /** `container-web` */
  readonly unit: string
  readonly tspod: string
  /** `--root` and its kin, which the service's tspod needs as well. */
  readonly globals: readonly string[]
  readonly id: string
  readonly name: string
  /** `--new`: the command that made the container; undefined: the container is started and stopped as it is. */
  readonly createCommand?: readonly string[] | undefined
  readonly restartPolicy: RestartPolicy
  readonly restartSeconds?: number
  readonly startTimeoutSeconds?: number
  /** How long the container has to stop. */
  readonly stopSeconds: number
  readonly after: readonly string[]
  readonly requires: readonly string[]
  readonly wants: readonly string[]
  /** KEY=VALUE */
  readonly environment: readonly string[]
  /** First lines of comment: none with `--no-header`. */
  readonly header?: { readonly version: string; readonly date: string }
  readonly template: boolean
}

/** systemd.service(5), `Restart=` */
export const restartPolicies = [
  'no',
  'on-success',
  'on-failure',
  'on-abnormal',
  'on-watchdog',
  'on-abort',
  'always',
] as const
export type RestartPolicy = (typeof restartPolicies)[number]

/** systemd adds what the container may take to what the command needs. */
const stopMarginSeconds = 60

/** A service that runs a container, for `tspod generate systemd`. */
export function containerService(request: ServiceRequest): string {
  const { unit, header, after, requires, wants, template } = request
  const network = 'tspod-user-wait-network-online.service'
  const name = template ? `${unit}@` : unit
  return [
    `# ${name}.service`,
    ...(header === undefined ? [] : [`# made by tspod ${header.version}`, `# ${header.date}`]),
    '',
    '[Unit]',
    `Description=tspod ${unit}.service${template ? ' of %i' : ''}`,
    'Documentation=man:tspod-generate-systemd(1)',
    ...['Wants', 'After'].map((key) => `${key}=${network}`),
    ...list('Wants', wants),
    ...list('After', after),
    ...list('Requires', requires),
    '',
    '[Service]',
    'Environment=PODMAN_SYSTEMD_UNIT=%n',
    ...request.environment.map((entry) => `Environment=${quoteWord(entry)}`),
    `Restart=${request.restartPolicy}`,
    ...seconds('RestartSec', request.restartSeconds),
    ...seconds('TimeoutStartSec', request.startTimeoutSeconds),
    `TimeoutStopSec=${String(request.stopSeconds + stopMarginSeconds)}`,
    ...(request.createCommand === undefined ? kept(request) : made(request, request.createCommand)),
    '',
    '[Install]',
    'WantedBy=default.target',
    ...(template ? ['DefaultInstance=default'] : []),
    '',
  ].join('\n')
}

/** A container of its own at each start, gone with the service. */
function made(request: ServiceRequest, createCommand: readonly string[]): string[] {
  const call = caller(request)
  const stop = String(request.stopSeconds)
  return [
    'Delegate=yes',
    'KillMode=mixed',
    `ExecStart=${call(runCommand(createCommand, request.template).map(literalUnlessOurs), false)}`,
    `ExecStop=${call(['stop', '--ignore', '-t', stop, '--cidfile=%t/%n.ctr-id'])}`,
    `ExecStopPost=${call(['rm', '-f', '--ignore', '-t', stop, '--cidfile=%t/%n.ctr-id'])}`,
    'Type=notify',
    'NotifyAccess=all',
  ]
}

/** The one container, each time. */
function kept(request: ServiceRequest): string[] {
  const call = caller(request)
  const stop = ['stop', '-t', String(request.stopSeconds), request.id]
  return [
    'KillMode=mixed',
    `ExecStart=${call(['start', request.id])}`,
    `ExecStop=${call(stop)}`,
    `ExecStopPost=${call(stop)}`,
    // The monitor is the one process that outlives the command.
    'Type=forking',
    'GuessMainPID=yes',
  ]
}

function caller({ tspod, globals }: ServiceRequest): (argv: readonly string[], quotes?: boolean) => string {
  return (argv, quotes = true) => [joinWords([tspod, ...globals]), ...(quotes ? [joinWords(argv)] : argv)].join(' ')
}

const ours: ReadonlySet<string> = new Set(['--cidfile=%t/%n.ctr-id'])

/** What the container's maker wrote is passed on as it was; what we add has systemd's own specifiers. */
function literalUnlessOurs(word: string): string {
  return ours.has(word) || /%i/.test(word) ? quoteWord(word) : literalWord(word)
}

/** Options with a value that the service sets itself. */
const replacedValued = ['--cidfile', '--sdnotify', '--cgroups', '--restart', '--conmon-pidfile', '--pidfile']
/** And those without. */
const replacedSwitches = ['-d', '--detach', '--rm', '--replace', '--rm=true', '--rm=false', '--replace=true', '-d=true']

/** `tspod run -d …` or `tspod create …` as the service says it. */
export function runCommand(createCommand: readonly string[], template: boolean): string[] {
  const at = createCommand.findIndex((word) => word === 'run' || word === 'create')
  const words = at < 0 ? [] : createCommand.slice(at + 1)
  const end = endOfOptions(words)
  const options = dropReplaced(words.slice(0, end))
  const own = ['--cidfile=%t/%n.ctr-id', '--cgroups=no-conmon', '--rm', '--sdnotify=conmon', '--replace', '-d']
  return ['run', ...own, ...(template ? instanceName(options) : options), ...words.slice(end)]
}

/** Where the image stands: flags with a value of their own are known by name. */
function endOfOptions(words: readonly string[]): number {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--' || !word.startsWith('-')) return at
    if (takesNext(word)) at++
  }
  return words.length
}

/** Switches of `run` and `create`; everything else takes a value, in the same word or the next one. */
const switches =
  /^(?:--(?:detach|rm|replace|init|interactive|tty|privileged|read-only|read-only-tmpfs|quiet|publish-all|no-healthcheck|no-hosts|no-hostname|env-host|http-proxy|oom-kill-disable|rootfs|sig-proxy|tls-verify|rmi|passwd|unsetenv-all|all)|-[ditPq]+)$/

function takesNext(word: string): boolean {
  if (word.includes('=') || switches.test(word)) return false
  // -eA=B and -p8080:80 bring their value; of a cluster such as -dp the last letter takes the next word.
  return word.startsWith('--') || /^-[ditPq]*[a-zA-Z]$/.test(word)
}

function dropReplaced(options: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < options.length; at++) {
    const word = options[at] ?? ''
    if (replacedSwitches.includes(word) || replacedValued.some((name) => word.startsWith(`${name}=`))) continue
    if (replacedValued.includes(word)) {
      at++
      continue
    }
    const cluster = /^-([ditPq]*d[ditPq]*)([a-zA-Z]?)$/.exec(word)
    const letters = cluster === null ? '' : `${(cluster[1] ?? '').replaceAll('d', '')}${cluster[2] ?? ''}`
    kept.push(cluster === null ? word : letters === '' ? '' : `-${letters}`)
    if (takesNext(word) && at + 1 < options.length) kept.push(options[++at] ?? '')
  }
  return kept.filter((word, index) => word !== '' || index > 0)
}

/** Every instance has its own name. */
function instanceName(options: readonly string[]): string[] {
  return options.map((word, index) =>
    word.startsWith('--name=') ? `${word}-%i` : options[index - 1] === '--name' ? `${word}-%i` : word,
  )
}

function list(key: string, units: readonly string[]): string[] {
  return units.length === 0 ? [] : [`${key}=${units.join(' ')}`]
}

function seconds(key: string, value: number | undefined): string[] {
  return value === undefined ? [] : [`${key}=${String(value)}`]
}
