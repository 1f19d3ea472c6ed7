import { parseDeviceBytes, parseDeviceOperations } from '../parse/device.js'
import { parseCpuSet, parseDecimal, parseInteger, parsePair, parseSize, parseSizeOrUnlimited } from '../parse/value.js'
import { commaListFlag, listFlag, switchFlag, textFlag, valueFlag } from './define.js'

const microseconds = (text: string) => parseInteger(text, 0)

/** How much the container may use. */
export const resourceFlags = {
  memory: valueFlag(parseSize, 'Limit of memory', { char: 'm', helpValue: 'SIZE', emptyIsNone: true }),
  'memory-reservation': valueFlag(parseSize, 'What it gets back to when memory is short', {
    helpValue: 'SIZE',
    emptyIsNone: true,
  }),
  'memory-swap': valueFlag(parseSizeOrUnlimited, 'Limit of memory and swap together; -1 for none', {
    helpValue: 'SIZE',
    emptyIsNone: true,
  }),
  'memory-swappiness': valueFlag((text) => parseInteger(text, -1, 100), 'How willingly it swaps (cgroup v1 only)', {
    helpValue: 'N',
  }),
  'oom-kill-disable': switchFlag('Do not kill it when its memory is used up (cgroup v1 only)'),
  cpus: valueFlag(parseDecimal, 'So many CPUs', { helpValue: 'N' }),
  'cpu-shares': valueFlag((text) => parseInteger(text, 0, 262144), 'Its weight among others', {
    char: 'c',
    helpValue: 'N',
  }),
  'cpu-period': valueFlag(microseconds, 'Period of the quota', { helpValue: 'MICROSECONDS' }),
  'cpu-quota': valueFlag((text) => parseInteger(text, -1), 'CPU time in each period', { helpValue: 'MICROSECONDS' }),
  'cpu-rt-period': valueFlag(microseconds, 'Period of the real-time quota (cgroup v1 only)', {
    helpValue: 'MICROSECONDS',
  }),
  'cpu-rt-runtime': valueFlag(microseconds, 'Real-time CPU time in each period (cgroup v1 only)', {
    helpValue: 'MICROSECONDS',
  }),
  'cpuset-cpus': valueFlag(parseCpuSet, 'Run on these CPUs only', { helpValue: 'LIST', emptyIsNone: true }),
  'cpuset-mems': valueFlag(parseCpuSet, 'Use memory of these nodes only', { helpValue: 'LIST', emptyIsNone: true }),
  'pids-limit': valueFlag((text) => parseInteger(text, -1, 4194304), 'So many processes; -1 or 0 for no limit', {
    helpValue: 'N',
  }),
  'blkio-weight': valueFlag((text) => parseInteger(text, 10, 1000), 'Weight of its disk access', { helpValue: 'N' }),
  'device-read-bps': commaListFlag(parseDeviceBytes, 'Limit reading from a device', { helpValue: 'DEVICE:RATE' }),
  'device-write-bps': commaListFlag(parseDeviceBytes, 'Limit writing to a device', { helpValue: 'DEVICE:RATE' }),
  'device-read-iops': commaListFlag(parseDeviceOperations, 'Limit read operations on a device', {
    helpValue: 'DEVICE:N',
  }),
  'device-write-iops': commaListFlag(parseDeviceOperations, 'Limit write operations on a device', {
    helpValue: 'DEVICE:N',
  }),
  cgroups: textFlag('Which cgroups to make', { options: ['enabled', 'disabled', 'no-conmon', 'split'] }),
  'cgroup-parent': textFlag('Cgroup to be below', { helpValue: 'PATH' }),
  'cgroup-conf': listFlag((text) => parsePair(text, { needsValue: true }), 'Write to a file of the cgroup', {
    helpValue: 'KEY=VALUE',
  }),
}
