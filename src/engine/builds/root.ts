import { stepKey } from '../../build/cache-key.js'
import type { Digest } from '../../oci/image-spec.js'
import type { RootSource } from '../../storage/root-archive.js'
import { rootMountpoint } from '../containers/launch.js'
import type { StageLayer } from './layer.js'
import type { Session } from './session.js'

/** Files as a stage has them at some point: layers, the lowest first. It is never changed, only followed by another. */
export interface Root {
  readonly layers: readonly StageLayer[]
  /**
   * What steps on it have as their parent: of its content, where that is known, so that equal files are equal parents
   * however they came about; of what made it, while its topmost layer is being packed.
   */
  readonly key: string
  readonly isKnown: boolean
}

export const scratch: Root = { layers: [], key: contentKeyOf([]), isKnown: true }

/** The root that layers make whose content is known. */
export function knownRoot(layers: readonly StageLayer[], diffIds: readonly Digest[]): Root {
  return { layers, key: contentKeyOf(diffIds), isKnown: true }
}

/** The key of a root's content, which is waited for. */
export async function contentKey(root: Root): Promise<string> {
  return root.isKnown ? root.key : contentKeyOf(await diffIdsOf(root))
}

export async function diffIdsOf({ layers }: Pick<Root, 'layers'>): Promise<Digest[]> {
  return (await Promise.all(layers.map((layer) => layer.content))).map(({ diffId }) => diffId)
}

function contentKeyOf(diffIds: readonly Digest[]): string {
  return stepKey('root', '', diffIds)
}

/** What a root is for those who only read it. */
export interface Files {
  readonly layers: readonly Pick<StageLayer, 'files'>[]
}

/** A root that is mounted for as long as it is read. */
export type MountedSource = Extract<RootSource, { readonly rootfs: unknown }>

/**
 * A root to read from, for as long as `use` takes. A single layer is a folder, and needs no mount; without overlays the
 * layers are copied together.
 */
export async function withSource<T>(
  session: Session,
  root: Files,
  use: (source: MountedSource) => Promise<T>,
): Promise<T> {
  const { context, driver, workspace } = session
  const lower = [...new Set((await Promise.all(root.layers.map((layer) => layer.files()))).toReversed())]
  const mountpoint = rootMountpoint(context)
  const [only = workspace.empty] = lower
  if (lower.length <= 1) return use({ rootfs: { driver: 'dir', path: only, mountpoint } })
  if (driver.name === 'copy') {
    const { withCopies } = await import('../containers/changes.js')
    return withCopies(context, lower, (path) => use({ rootfs: { driver: 'dir', path, mountpoint } }))
  }
  const program = driver.program === undefined ? {} : { program: driver.program }
  return use({ rootfs: { driver: driver.name, lower, volatile: false, mountpoint, ...program } })
}
