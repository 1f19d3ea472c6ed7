import type { ContainerStats } from '../../index.js'
import { goDuration } from '../../base/go-duration.js'
import type { Column } from '../output/table.js'
import { binarySize, humanSize } from '../output/units.js'

export interface StatsRowOptions {
  readonly noTrunc: boolean
}

/** The columns of `stats`, Podman's. What is not known is `--`. */
export function statsColumns({ noTrunc }: StatsRowOptions): Column<ContainerStats>[] {
  return [
    { heading: 'ID', cell: ({ id }) => (noTrunc ? id : id.slice(0, 12)) },
    { heading: 'NAME', cell: ({ name }) => name },
    { heading: 'CPU %', cell: ({ cpuPercent }) => percent(cpuPercent) },
    { heading: 'MEM USAGE / LIMIT', cell: memoryText },
    { heading: 'MEM %', cell: (row) => percent(memoryPercent(row)) },
    { heading: 'NET IO', cell: (row) => pair(row.networkInput, row.networkOutput) },
    { heading: 'BLOCK IO', cell: (row) => pair(row.blockInput, row.blockOutput) },
    { heading: 'PIDS', cell: ({ pids }) => (pids === undefined ? '--' : String(pids)) },
    { heading: 'CPU TIME', cell: cpuTime },
    { heading: 'AVG CPU %', cell: ({ averagePercent }) => percent(averagePercent) },
  ]
}

/** What templates see. */
export function statsFields(row: ContainerStats, { noTrunc }: StatsRowOptions): object {
  return {
    ID: noTrunc ? row.id : row.id.slice(0, 12),
    Container: row.id,
    ContainerID: row.id,
    Name: row.name,
    CPUPerc: percent(row.cpuPercent),
    AVGCPU: percent(row.averagePercent),
    AvgCPU: percent(row.averagePercent),
    CPUNano: row.cpuNanoseconds ?? 0,
    MemUsage: memoryText(row),
    MemUsageBytes: `${binary(row.memoryUsage)} / ${binary(row.memoryLimit)}`,
    MemPerc: percent(memoryPercent(row)),
    MemLimit: row.memoryLimit ?? 0,
    NetIO: pair(row.networkInput, row.networkOutput),
    NetInput: row.networkInput ?? 0,
    NetOutput: row.networkOutput ?? 0,
    BlockIO: pair(row.blockInput, row.blockOutput),
    BlockInput: row.blockInput ?? 0,
    BlockOutput: row.blockOutput ?? 0,
    PIDS: row.pids ?? 0,
    PIDs: row.pids ?? 0,
    UpTime: goDuration(row.upNanoseconds ?? 0),
    Up: goDuration(row.upNanoseconds ?? 0),
  }
}

/** What JSON shows: Podman's names. */
export function statsJson(row: ContainerStats, { noTrunc }: StatsRowOptions): object {
  return {
    id: noTrunc ? row.id : row.id.slice(0, 12),
    name: row.name,
    cpu_time: cpuTime(row),
    cpu_percent: percent(row.cpuPercent),
    avg_cpu: percent(row.averagePercent),
    mem_usage: memoryText(row),
    mem_percent: percent(memoryPercent(row)),
    net_io: pair(row.networkInput, row.networkOutput),
    block_io: pair(row.blockInput, row.blockOutput),
    pids: row.pids === undefined ? '--' : String(row.pids),
  }
}

export const statsHeadings: Readonly<Record<string, string>> = {
  CPUPerc: 'CPU %',
  AVGCPU: 'AVG CPU %',
  AvgCPU: 'AVG CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemUsageBytes: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET IO',
  BlockIO: 'BLOCK IO',
  PIDs: 'PIDS',
}

function percent(value: number | undefined): string {
  return value === undefined ? '--' : `${value.toFixed(2)}%`
}

function memoryPercent({ memoryUsage, memoryLimit }: ContainerStats): number | undefined {
  return memoryUsage === undefined || !memoryLimit ? undefined : (memoryUsage / memoryLimit) * 100
}

function memoryText({ memoryUsage, memoryLimit }: ContainerStats): string {
  return pair(memoryUsage, memoryLimit)
}

function pair(one: number | undefined, other: number | undefined): string {
  const text = (value: number | undefined): string => (value === undefined ? '--' : humanSize(value))
  return `${text(one)} / ${text(other)}`
}

function binary(value: number | undefined): string {
  return value === undefined ? '--' : binarySize(value)
}

function cpuTime({ cpuNanoseconds }: ContainerStats): string {
  return cpuNanoseconds === undefined ? '--' : goDuration(cpuNanoseconds)
}
