import type { Digest } from '../../oci/image-spec.js'
import type { Context } from '../context.js'
import type {
  ArtifactAddOptions,
  ArtifactExtractOptions,
  ArtifactFile,
  ArtifactInspection,
  ArtifactPullOptions,
  ArtifactPushOptions,
  ArtifactSummary,
} from './types.js'

/** `engine.artifacts`: files that registries keep (image-spec, “Artifacts Guidance”). */
export function bindArtifacts(context: Context) {
  return {
    /** Makes an artifact of files; answers its digest. */
    add: async (name: string, files: readonly string[], options?: ArtifactAddOptions): Promise<Digest> =>
      (await import('./add.js')).addArtifact(context, name, files, options),
    extract: async (name: string, target: string, options?: ArtifactExtractOptions): Promise<void> =>
      (await import('./extract.js')).extractArtifact(context, name, target, options),
    /** Its files where they are, to be read or mounted. */
    files: async (name: string, options?: ArtifactExtractOptions): Promise<ArtifactFile[]> =>
      (await import('./extract.js')).artifactFiles(context, name, options),
    inspect: async (name: string): Promise<ArtifactInspection> =>
      (await import('./query.js')).inspectArtifact(context, name),
    list: async (): Promise<ArtifactSummary[]> => (await import('./query.js')).listArtifacts(context),
    pull: async (name: string, options?: ArtifactPullOptions): Promise<Digest> =>
      (await import('./transfer.js')).pullArtifact(context, name, options),
    push: async (name: string, destination?: string, options?: ArtifactPushOptions): Promise<Digest> =>
      (await import('./transfer.js')).pushArtifact(context, name, destination, options),
    remove: async (name: string): Promise<Digest> => (await import('./query.js')).removeArtifact(context, name),
    removeAll: async (): Promise<Digest[]> => (await import('./query.js')).removeAllArtifacts(context),
  }
}
