import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the build wrote about every command (oclif's manifest), as far as it is read here. */
export interface Manifest {
  readonly commands: Readonly<Record<string, CommandManifest>>
}

export interface CommandManifest {
  readonly id: string
  readonly summary?: string
  readonly aliases: readonly string[]
  readonly hidden?: boolean
  readonly fenced?: boolean
  readonly completes?: readonly string[]
  /** In their order. */
  readonly args?: Readonly<Record<string, { readonly options?: readonly string[] }>>
  readonly flags: Readonly<Record<string, FlagManifest>>
}

export interface FlagManifest {
  readonly name: string
  readonly type: 'boolean' | 'option'
  readonly char?: string
  readonly summary?: string
  readonly hidden?: boolean
  readonly options?: readonly string[]
  readonly aliases?: readonly string[]
}

/** The file beside the bundle. */
export function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'oclif.manifest.json'), 'utf8')) as Manifest
}
