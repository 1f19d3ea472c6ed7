/** What every start makes for its own mounts, as Podman leaves it out. */
export const mountStubs = [
  '/dev',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/mtab',
  '/etc/resolv.conf',
  '/proc',
  '/run',
  '/run/.containerenv',
  '/run/notify',
  '/run/secrets',
  '/sys',
] as const

/** As the options of tspod-inside have them: relative to the root. */
export function stubArguments(): string[] {
  return mountStubs.map((path) => path.slice(1))
}
