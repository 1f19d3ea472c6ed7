import type { Context } from '../context.js'
import type { ArchiveOutput } from '../containers/export.js'
import type { VolumeCreateOptions, VolumeInspection, VolumeRemoveOptions } from './types.js'

/** `engine.volumes`: each operation loads its code when it is first called. */
export function bindVolumes(context: Context) {
  return {
    /** Makes a volume; answers its name. */
    create: async (options?: VolumeCreateOptions): Promise<string> =>
      (await import('./create.js')).createVolume(context, options),
    inspect: async (name: string): Promise<VolumeInspection> =>
      (await import('./query.js')).inspectVolume(context, name),
    /** Every volume that the filters match, in the order of names. */
    list: async (filters?: readonly string[]): Promise<VolumeInspection[]> =>
      (await import('./query.js')).listVolumes(context, filters),
    /** By its whole name. */
    exists: async (name: string): Promise<boolean> => (await import('./query.js')).volumeExists(context, name),
    /** Answers the volume's whole name. */
    remove: async (name: string, options?: VolumeRemoveOptions): Promise<string> =>
      (await import('./remove.js')).removeVolumeByName(context, name, options),
    /** Removes every volume that no container uses and that the filters match. Answers their names. */
    prune: async (filters?: readonly string[]): Promise<string[]> =>
      (await import('./remove.js')).pruneVolumes(context, filters),
    /** The folder of the host that a volume's files are in. */
    mount: async (name: string): Promise<string> => (await import('./query.js')).mountVolume(context, name),
    /** Writes a volume's files as a tar archive. */
    export: async (name: string, output: ArchiveOutput): Promise<void> =>
      (await import('./archive.js')).exportVolume(context, name, output),
    /** Puts a tar archive's files, compressed or not, into a volume. */
    import: async (name: string, source: string | AsyncIterable<Uint8Array>): Promise<void> =>
      (await import('./archive.js')).importVolume(context, name, source),
  }
}
