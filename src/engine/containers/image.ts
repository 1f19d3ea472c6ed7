import { TspodError } from '../../base/errors.js'
import type { ContainersConf } from '../../config/containers-conf.js'
import type { CompleteImage } from '../../container/complete-spec.js'
import type { ContainerSpec, PullPolicy } from '../../container/spec.js'
import type { ImageRunConfig } from '../../oci/image-spec.js'
import type { Context } from '../context.js'
import { resolveImage } from '../images/resolve.js'

const policies: readonly PullPolicy[] = ['always', 'missing', 'never', 'newer']

/** The image that a container is made from, pulled if the policy says so; nothing for a rootfs. */
export async function containerImage(
  context: Context,
  spec: ContainerSpec,
  conf: ContainersConf,
): Promise<{ readonly image: CompleteImage; readonly config: ImageRunConfig }> {
  if (spec.rootfs) {
    if (spec.image !== undefined)
      throw new TspodError('invalid-argument', 'an image and a rootfs cannot be given at once')
    return { image: { id: '', name: '', digest: '', layers: [], architecture: '' }, config: {} }
  }
  if (spec.image === undefined || spec.image === '')
    throw new TspodError('invalid-argument', 'an image or a rootfs is needed')
  const pull = spec.pull ?? policies.find((policy) => policy === conf.engine.pull_policy)
  const found = await resolveImage(context, spec.image, {
    ...(pull === undefined ? {} : { pull }),
    ...(spec.platform === undefined ? {} : { platform: spec.platform }),
    ...(spec.authfile === undefined ? {} : { authfile: spec.authfile }),
    ...(spec.tlsVerify === undefined ? {} : { tlsVerify: spec.tlsVerify }),
  })
  return {
    image: {
      id: found.id,
      name: found.name,
      digest: found.digest,
      layers: found.diffIds,
      architecture: found.architecture,
    },
    config: found.config,
  }
}
