import { programVersion } from '../../base/version.js'
import type { VersionReport } from './types.js'

export function versionReport(): VersionReport {
  return {
    version: programVersion(),
    nodeVersion: process.version,
    osArch: `linux/${goArchitecture(process.arch)}`,
    runtimeSpec: '1.2.0',
  }
}

/** Node's name of the processor, as images call it. */
export function goArchitecture(arch: string): string {
  const names: Readonly<Record<string, string>> = {
    x64: 'amd64',
    ia32: '386',
    arm64: 'arm64',
    arm: 'arm',
    loong64: 'loong64',
  }
  return names[arch] ?? arch
}
