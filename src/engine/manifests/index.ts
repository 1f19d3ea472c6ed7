import type { Digest } from '../../oci/image-spec.js'
import type { Context } from '../context.js'
import type { PushedImage, RegistryAccess, RemovedImages } from '../images/types.js'
import type {
  ManifestAddOptions,
  ManifestAnnotateOptions,
  ManifestCreateOptions,
  ManifestPushOptions,
} from './types.js'

/** `engine.manifests`: lists of images for several platforms. Each operation loads its code when it is first called. */
export function bindManifests(context: Context) {
  const load = () => import('./operations.js')
  return {
    create: async (name: string, images: readonly string[], options?: ManifestCreateOptions): Promise<Digest> =>
      (await load()).createManifest(context, name, images, options),
    add: async (list: string, images: readonly string[], options?: ManifestAddOptions): Promise<Digest> =>
      (await load()).addToManifest(context, list, images, options),
    annotate: async (list: string, image: string | undefined, options: ManifestAnnotateOptions): Promise<Digest> =>
      (await load()).annotateManifest(context, list, image, options),
    /** Takes an image out of a list. */
    remove: async (list: string, image: string): Promise<Digest> =>
      (await load()).removeFromManifest(context, list, image),
    inspect: async (name: string, access?: RegistryAccess): Promise<object> =>
      (await load()).inspectManifest(context, name, access),
    exists: async (name: string): Promise<boolean> => (await load()).manifestExists(context, name),
    /** Removes lists. */
    rm: async (names: readonly string[], ignore?: boolean): Promise<RemovedImages> =>
      (await load()).removeManifests(context, names, ignore),
    push: async (list: string, destination?: string, options?: ManifestPushOptions): Promise<PushedImage> =>
      (await load()).pushManifest(context, list, destination, options),
  }
}
