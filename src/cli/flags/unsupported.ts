import { TspodError } from '../../base/errors.js'
import { Flags } from './define.js'

/** Podman's flags of run and create that tspod knows but cannot do: said clearly, rather than “unknown flag”. */
const reasons = {
  'blkio-weight-device': 'a weight for a single device',
  'cert-dir': 'a folder of certificates; put them below ~/.config/containers/certs.d',
  chrootdirs: 'further root folders',
  creds: 'a login on the command line; use tspod login',
  'decryption-key': 'encrypted images',
  'device-cgroup-rule': 'device rules; they need cgroup v1 and root',
  'env-merge': "values made of the image's; use --env",
  gpus: 'GPUs by number; use --device',
  'hosts-file': 'another hosts file; use --volume',
  hostuser: "adding the host's users",
  'init-ctr': 'init containers',
  ip: 'a fixed address',
  ip6: 'a fixed address',
  'mac-address': 'a fixed hardware address',
  'network-alias': 'further names in a network',
  pod: 'pods, which come with a later version',
  'pod-id-file': 'pods, which come with a later version',
  'preserve-fd': 'single descriptors; use --preserve-fds',
  'rdt-class': 'resource control by RDT',
  requires: 'dependencies',
  retry: 'another number of attempts',
  'retry-delay': 'another pause between attempts',
  'seccomp-policy': 'profiles inside images; use --security-opt seccomp=FILE',
  rmi: 'removing the image with its last container; use tspod rmi',
  secret: 'secrets',
  'shm-size-systemd': 'sizes for systemd',
} as const

/** Flags that fail with the reason, by their names. */
export function unsupported<N extends string>(
  reasons: Readonly<Record<N, string>>,
): Readonly<Record<N, ReturnType<typeof unsupportedFlag>>> {
  const names = Object.keys(reasons) as N[]
  return Object.fromEntries(names.map((name) => [name, unsupportedFlag(name, reasons[name])])) as Readonly<
    Record<N, ReturnType<typeof unsupportedFlag>>
  >
}

function unsupportedFlag(name: string, what: string) {
  return Flags.string({
    hidden: true,
    multiple: true,
    multipleNonGreedy: true,
    summary: `Not supported: ${what}`,
    parse: () => Promise.reject(new TspodError('not-supported', `--${name} is not supported: ${what}`)),
  })
}

export const unsupportedFlags = unsupported(reasons)
