import { join } from 'node:path'
import { findHelper } from '../../../rootless/ladder.js'
import type { ContainerRecord } from '../../container/record.js'
import { hostAddress, readHostFacts, type HostFacts } from '../../network/host-facts.js'
import { hostsFile } from '../../network/hosts.js'
import { resolvFile } from '../../network/resolv.js'
import { setupNetwork, type NetworkSetup } from '../../network/setup.js'
import type { NetworkPlan } from '../../runtime/protocol.js'
import { exists, readText, writeFile } from '../../state/file.js'
import type { Context } from '../context.js'
import type { Joined } from './donors.js'
import { containerPaths, readRecord } from './store.js'

export interface ContainerNetwork {
  readonly plan: NetworkPlan
  /** Files of ours in the image's place: target ─► source. */
  readonly files: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
}

/** The network of a start, and the files in which programs look it up, written into the run folder. */
export async function networkOf(
  context: Context,
  record: ContainerRecord,
  joined: Joined,
  runDir: string,
): Promise<ContainerNetwork> {
  const { spec } = record
  const facts = readHostFacts()
  const setup = setupNetwork({
    id: record.id,
    network: spec.network,
    publish: spec.publish,
    runDir,
    slirp4netns: spec.network.mode === 'slirp4netns' ? await slirp4netns(context) : undefined,
    firstUnprivilegedPort: facts.firstUnprivilegedPort,
  })
  const files: Record<string, string> = {}
  const provide = (target: string, name: string, text: string): void => {
    const path = join(runDir, name)
    writeFile(path, text, { mode: 0o644 })
    files[target] = path
  }
  const shared = joined.networkOwner === undefined ? undefined : containerPaths(context.paths, joined.networkOwner).run
  if (shared !== undefined) shareFiles(shared, files)
  else {
    const resolv = resolvText(record, facts, setup)
    if (resolv !== undefined) provide('/etc/resolv.conf', 'resolv.conf', resolv)
    if (!spec.noHosts) provide('/etc/hosts', 'hosts', await hostsText(record, facts, setup))
  }
  if (!spec.noHostname) provide('/etc/hostname', 'hostname', `${hostnameOf(context, record, joined)}\n`)
  provide('/run/.containerenv', 'containerenv', containerenv(record))
  return { plan: setup.plan, files, warnings: setup.warnings }
}

/** One network has one answer to every name: the owner's files, as they are now and will be. */
function shareFiles(ownerRun: string, files: Record<string, string>): void {
  for (const [target, name] of [
    ['/etc/resolv.conf', 'resolv.conf'],
    ['/etc/hosts', 'hosts'],
  ] as const) {
    const path = join(ownerRun, name)
    if (exists(path)) files[target] = path
  }
}

function resolvText({ spec }: ContainerRecord, facts: HostFacts, setup: NetworkSetup): string | undefined {
  return resolvFile({
    host: facts.resolv,
    resolved: facts.resolved,
    servers: spec.dns,
    search: spec.dnsSearch,
    options: spec.dnsOption,
    sharesHost: spec.network.mode === 'host',
    ...(setup.dns === undefined ? {} : { forwarder: setup.dns }),
  })
}

async function hostsText({ spec, name }: ContainerRecord, facts: HostFacts, setup: NetworkSetup): Promise<string> {
  const wantsGateway = spec.addHost.some(({ address }) => address === 'host-gateway')
  const helped = spec.network.mode === 'slirp4netns' || spec.network.mode === 'pasta'
  const gateway = setup.hostLoopback ?? (wantsGateway || helped ? await hostAddress() : undefined)
  return hostsFile({
    base: facts.hosts,
    addHost: spec.addHost,
    names: spec.network.mode === 'host' ? [] : [spec.hostname, name].filter((text) => text !== ''),
    ...(setup.address === undefined ? {} : { address: setup.address }),
    ...(gateway === undefined ? {} : { gateway }),
  })
}

function hostnameOf(context: Context, { spec, id }: ContainerRecord, joined: Joined): string {
  if (spec.hostname !== '') return spec.hostname
  if (spec.namespaces.uts.mode === 'host') return (readText('/proc/sys/kernel/hostname') ?? '').trim()
  const { uts } = spec.namespaces
  const owner = uts.mode === 'container' ? uts.container : joined.networkOwner
  const donor = owner === undefined ? undefined : readRecord(context, owner)
  return donor?.spec.hostname ?? id.slice(0, 12)
}

/** Programs look for this file to learn that they are in a container; its content is Podman's. */
function containerenv({ id, name, spec }: ContainerRecord): string {
  const text = (value: string): string => JSON.stringify(value)
  return [
    `engine="tspod"`,
    `name=${text(name)}`,
    `id=${text(id)}`,
    `image=${text(spec.image.name)}`,
    `imageid=${text(spec.image.id)}`,
    'rootless=1',
    '',
  ].join('\n')
}

async function slirp4netns(context: Context): Promise<string | undefined> {
  const { engine } = await context.conf()
  const chosen = engine.network_cmd_path
  if (chosen !== undefined && chosen !== '') return chosen
  const folders = [...(engine.helper_binaries_dir ?? []), context.env['PATH'] ?? '']
  return findHelper('slirp4netns', folders.join(':'))?.path
}
