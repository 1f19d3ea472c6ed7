const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
}

/**
 * `64m`, `1.5g`, `512`: bytes, by powers of 1024 (`b`, `kb` and `kib` mean the same, as in Docker); undefined if it is none,
 * or more than a number holds.
 */
export function parseByteSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text) ?? []
  const bytes = Math.floor(Number(number) * (units[unit.toLowerCase()] ?? NaN))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
