import type { BuildOptions, BuildResult } from '../builds/options.js'
import type { Context } from '../context.js'
import type {
  CopyImageOptions,
  HistoryEntry,
  ImageInspection,
  ImageListOptions,
  ImageSummary,
  ImageTree,
  ImportOptions,
  LoadOptions,
  MountedImage,
  PruneOptions,
  PulledImage,
  PullOptions,
  PushedImage,
  PushOptions,
  RemovedImages,
  RemoveImagesOptions,
  ResolvedImage,
  ResolveOptions,
  SaveOptions,
  SignImagesOptions,
} from './types.js'

/** `engine.images`: each operation loads its code when it is first called. */
export function bindImages(context: Context) {
  return {
    /** The image to start a container from, fetched if the policy says so. */
    resolve: async (name: string, options?: ResolveOptions): Promise<ResolvedImage> =>
      (await import('./resolve.js')).resolveImage(context, name, options),
    /** Fetches an image from its registry, or from an archive by its transport. */
    pull: async (name: string, options?: PullOptions): Promise<PulledImage[]> =>
      (await import('./pull.js')).pullImage(context, name, options),
    /** Sends an image to a registry; without a destination where its name says. */
    push: async (name: string, destination?: string, options?: PushOptions): Promise<PushedImage> =>
      (await import('./push.js')).pushImage(context, name, destination, options),
    /** Writes signatures of a registry's images into a lookaside folder; answers the files. */
    sign: async (names: readonly string[], options: SignImagesOptions): Promise<string[]> =>
      (await import('./sign.js')).signImages(context, names, options),
    /** Builds what Dockerfiles say: as `engine.builds.build`. */
    build: async (options?: BuildOptions): Promise<BuildResult> =>
      (await import('../builds/build.js')).buildImage(context, options),
    load: async (options: LoadOptions): Promise<string[]> => (await import('./load.js')).loadImages(context, options),
    save: async (options: SaveOptions): Promise<void> => (await import('./save.js')).saveImages(context, options),
    /** Makes an image from a tar archive; answers its ID. */
    import: async (options: ImportOptions): Promise<string> =>
      (await import('./import.js')).importImage(context, options),
    list: async (options?: ImageListOptions): Promise<ImageSummary[]> =>
      (await import('./query.js')).listImages(context, options),
    inspect: async (name: string): Promise<ImageInspection> => (await import('./query.js')).inspectImage(context, name),
    history: async (name: string): Promise<HistoryEntry[]> => (await import('./query.js')).imageHistory(context, name),
    tree: async (name: string): Promise<ImageTree> => (await import('./tree.js')).imageTree(context, name),
    exists: async (name: string): Promise<boolean> => (await import('./query.js')).imageExists(context, name),
    /** Mounts its files, read-only; works in `tspod unshare`. */
    mount: async (name: string): Promise<MountedImage> => (await import('./mount.js')).mountImage(context, name),
    mounted: async (): Promise<MountedImage[]> => (await import('./mount.js')).mountedImages(context),
    unmount: async (name: string): Promise<MountedImage | undefined> =>
      (await import('./mount.js')).unmountImage(context, name),
    /** Between hosts and users, by ssh: `IMAGE HOST::`, `HOST::IMAGE`. */
    scp: async (source: string, destination?: string, options?: CopyImageOptions): Promise<string[]> =>
      (await import('./scp.js')).copyImageBetweenHosts(context, source, destination, options),
    tag: async (name: string, newNames: readonly string[]): Promise<void> =>
      (await import('./tag.js')).tagImage(context, name, newNames),
    /** Without names: all of them. */
    untag: async (name: string, names?: readonly string[]): Promise<void> =>
      (await import('./tag.js')).untagImage(context, name, names),
    remove: async (names: readonly string[], options?: RemoveImagesOptions): Promise<RemovedImages> =>
      (await import('./remove.js')).removeImages(context, names, options),
    prune: async (options?: PruneOptions): Promise<string[]> =>
      (await import('./remove.js')).pruneImages(context, options),
  }
}
