import { TspodError } from '../../base/errors.js'
import type { Digest } from '../../oci/image-spec.js'
import { ImageStore } from '../../storage/images.js'
import type { Context } from '../context.js'
import { layersArePresent } from './layers.js'

/**
 * Keeps an image's layers from being collected until a container's record names them. Fails if somebody has removed them
 * since the image was found. To be let go of once the record is on disk.
 */
export async function holdLayers(context: Context, name: string, layers: readonly string[]): Promise<Disposable> {
  if (layers.length === 0) return { [Symbol.dispose]: () => undefined }
  const lease = await new ImageStore(context.paths).lease()
  if (layersArePresent(context, layers as readonly Digest[])) return lease
  lease[Symbol.dispose]()
  throw new TspodError('no-such-image', `image ${name} was removed while a container was made of it: try again`)
}
