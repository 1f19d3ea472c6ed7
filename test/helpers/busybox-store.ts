import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { busyboxLayer } from './images.js'
import { tspodStore, type TspodStore } from './tspod.js'

/** What the image of `busyboxStore` is called. */
export const image = 'localhost/busybox:latest'

/** A store with one image, busybox. */
export async function busyboxStore(): Promise<TspodStore> {
  const store = await tspodStore()
  const archive = join(store.folder, 'busybox.tar')
  await writeFile(archive, await busyboxLayer())
  await store.ok(['import', archive, image])
  return store
}
