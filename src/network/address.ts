/** An IPv4 network: its text, and the addresses in it by number. */
export interface Ipv4Network {
  readonly text: string
  readonly prefix: number
  host(number: number): string
}

/** `10.0.2.0/24`; undefined if it is none, or has bits set outside of its prefix. */
export function parseIpv4Network(text: string): Ipv4Network | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  if (!match) return undefined
  const bytes = match.slice(1, 5).map(Number)
  const prefix = Number(match[5])
  if (prefix > 32 || bytes.some((byte) => byte > 255)) return undefined
  const base = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  if (base % 2 ** (32 - prefix) !== 0) return undefined
  return { text, prefix, host: (number) => ipv4Text(base + number) }
}

function ipv4Text(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}

/** 127.0.0.0/8 and ::1 */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.toLowerCase().startsWith('::ffff:127.')
}
