const decimal = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']
const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']

/** `4.49MB`: decimal units, so many significant digits, as Docker prints sizes. */
export function humanSize(bytes: number, digits = 4): string {
  const [value, unit] = scaled(bytes, 1000, decimal)
  return `${significant(value, digits)}${unit}`
}

/** `4.49 MB`, as Podman's `images` prints sizes. */
export function spacedSize(bytes: number, digits = 3): string {
  const [value, unit] = scaled(bytes, 1000, decimal)
  return `${significant(value, digits)} ${unit}`
}

/** `4.28MiB`: powers of 1024, as `stats` prints memory. */
export function binarySize(bytes: number, digits = 4): string {
  const [value, unit] = scaled(bytes, 1024, binary)
  return `${significant(value, digits)}${unit}`
}

function scaled(bytes: number, base: number, units: readonly string[]): [number, string] {
  let value = bytes
  let index = 0
  while (value >= base && index < units.length - 1) {
    value /= base
    index += 1
  }
  return [value, units[index] ?? '']
}

/** C's `%.Ng` for the numbers that sizes have. */
function significant(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)))
}
