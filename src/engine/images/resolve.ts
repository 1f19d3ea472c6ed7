import { unrepeatable } from '../../base/looks.js'
import type { Context } from '../context.js'
import { findLocal } from './find-local.js'
import { imageNotKnown } from './record.js'
import type { ResolvedImage, ResolveOptions } from './types.js'

/** The image to start a container from: the local one, or by the pull policy another. */
export async function resolveImage(
  context: Context,
  name: string,
  options: ResolveOptions = {},
): Promise<ResolvedImage> {
  const policy = options.pull ?? 'missing'
  const local = policy === 'always' ? undefined : await findLocal(context, name, options.platform)
  /* Nothing is newer than what an ID names. */
  if (local !== undefined && (policy !== 'newer' || local.id.endsWith(local.name))) return local
  if (policy === 'never') throw imageNotKnown(name)
  unrepeatable(`${name} was asked for at a registry`)
  const { pullImage } = await import('./pull.js')
  const { pull: _, ...access } = options
  /* What a short name means is settled by the image that is here. */
  const [pulled] = await pullImage(context, local?.name ?? name, { ...access, policy })
  if (pulled === undefined) throw imageNotKnown(name)
  const image = await findLocal(context, pulled.name ?? pulled.id, undefined)
  if (image === undefined) throw imageNotKnown(name)
  return image
}
