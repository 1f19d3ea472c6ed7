import { join } from 'node:path'

/**
 * Where everything of one user's tspod lies. `graphroot` outlives a reboot
 * ($XDG_DATA_HOME/tspod), `runroot` does not ($XDG_RUNTIME_DIR/tspod).
 */
export interface Paths {
  readonly graphroot: string
  readonly runroot: string
  /** An OCI image layout at all times: oci-layout, index.json, blobs/. */
  readonly images: string
  /** One unpacked layer each, `layers/<hex of the DiffID>/diff`. */
  readonly layers: string
  /** `containers/ID/`: config.json, state.json, log, upper/, work/. */
  readonly containers: string
  /** `names/NAME`: a symbolic link whose text is the container's ID; its creation claims the name. */
  readonly names: string
  readonly volumes: string
  readonly networks: string
  readonly cache: string
  /** Half-made and half-removed things. Whatever is here and not locked is litter. */
  readonly tmp: string
  /** `containers/ID/` in the run folder: the OCI bundle, launch.json, attach.sock, exec/, resolv.conf, hosts … */
  readonly runContainers: string
  readonly netns: string
  readonly locks: string
}

export function pathsOf(graphroot: string, runroot: string): Paths {
  return {
    graphroot,
    runroot,
    images: join(graphroot, 'images'),
    layers: join(graphroot, 'layers'),
    containers: join(graphroot, 'containers'),
    names: join(graphroot, 'names'),
    volumes: join(graphroot, 'volumes'),
    networks: join(graphroot, 'networks'),
    cache: join(graphroot, 'cache'),
    tmp: join(graphroot, 'tmp'),
    runContainers: join(runroot, 'containers'),
    netns: join(runroot, 'netns'),
    locks: join(runroot, 'locks'),
  }
}
