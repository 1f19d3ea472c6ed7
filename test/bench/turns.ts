import { execFileSync } from 'node:child_process'

/** One line of the table: `value` and `peer` are medians. */
export interface Row {
  readonly what: string
  readonly value: number
  readonly peer: number
  readonly unit: 'ms' | 'KiB'
  /** The ratio of the processors' work, for those who measure on a busy machine. */
  readonly work?: number
  /** `value / peer` has to be at most this. */
  readonly mark?: number
}

const program = process.env['TSPOD_BENCH_TURNS'] ?? 'turns'
export const runs = Number(process.env['TSPOD_BENCH_RUNS'] ?? 20)

/** The median time of each command in milliseconds; they run in turn. */
export function turns(commands: readonly (readonly string[])[], count: number = runs): number[] {
  return turnsWithWork(commands, count).map(({ took }) => took)
}

/** The same with the time that processors worked for it, which other load changes less. */
export function turnsWithWork(
  commands: readonly (readonly string[])[],
  count: number = runs,
): { readonly took: number; readonly work: number }[] {
  const args = commands.flatMap((command, index) => (index === 0 ? command : [':::', ...command]))
  const output = execFileSync(program, [String(count), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return output
    .trim()
    .split('\n')
    .map((line) => {
      const [took, work] = JSON.parse(line) as [number[], number[]]
      return { took: median(took) / 1e6, work: median(work) / 1e6 }
    })
}

/** One command, once, as it is. */
export function timed(command: readonly string[]): { readonly took: number; readonly work: number } {
  const output = execFileSync(program, ['--cold', '1', ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [[took = NaN], [work = NaN]] = JSON.parse(output) as [number[], number[]]
  return { took: took / 1e6, work: work / 1e6 }
}

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low = NaN, high = NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return (low + high) / 2
}

export function printRow(row: Row): void {
  const ratio = row.value / row.peer
  const verdict =
    row.mark === undefined ? '' : ratio <= row.mark ? `ok (≤ ${String(row.mark)})` : `MISSED (≤ ${String(row.mark)})`
  const work = row.work === undefined || Number.isNaN(row.work) ? '' : ` (work ×${row.work.toFixed(2)})`
  const number = (value: number): string =>
    (Number.isNaN(value) ? '-' : value.toFixed(row.unit === 'ms' ? 1 : 0)).padStart(9)
  const shown = Number.isNaN(ratio) ? '' : `×${ratio.toFixed(2)}`
  console.log(
    `${row.what.padEnd(52)}${number(row.value)} ${number(row.peer)} ${row.unit.padEnd(4)}${shown.padStart(7)}  ${verdict}${work}`,
  )
}

/** A difference of times that has a limit of its own, in milliseconds. */
export function printOver(what: string, value: number, limit: number): void {
  const verdict = value <= limit ? `ok (≤ ${String(limit)})` : `MISSED (≤ ${String(limit)})`
  console.log(`${what.padEnd(52)}${value.toFixed(1).padStart(9)} ${'-'.padStart(9)} ms          ${verdict}`)
}
