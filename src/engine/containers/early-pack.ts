import { closeSync } from 'node:fs'
import { setCloexec, waitChild } from '../../base/syscalls.js'
import type { Lock } from '../../state/lock.js'
import { ImageStore } from '../../storage/images.js'
import { answerOf } from '../../storage/inside.js'
import { packed, type Packed } from '../../storage/pack.js'
import type { Context } from '../context.js'
import { layerStore } from '../images/layers.js'

/*
 * Packing a container's changes takes as long as Node does to start. So `tspod commit` begins to pack before
 * (native/early-pack.c), by a plan that lies in the container's run folder since it was started (pack-plan.ts), and takes
 * over here.
 */

/** What was begun. If it is not finished it ends and goes away. */
export interface EarlyPack extends AsyncDisposable {
  /** The archive. */
  readonly draft: Lock
  /** Waits until it is whole, and keeps the layer. */
  finish(): Promise<Packed>
}

/** What was begun for this container; undefined if there is nothing, or it is another's or another store's. */
export async function takeEarlyPack(context: Context, containerId: string): Promise<EarlyPack | undefined> {
  const text = process.env['TSPOD_EARLY_PACK'] ?? ''
  delete process.env['TSPOD_EARLY_PACK']
  const [, container, id = '', ...numbers] = /^([0-9a-f]{64}):([0-9a-f]{64}):(\d+):(\d+):(\d+):(\d+)$/.exec(text) ?? []
  if (container === undefined) return undefined
  const [blobFd = -1, lockFd = -1, answer = -1, pid = -1] = numbers.map(Number)
  for (const fd of [blobFd, lockFd, answer]) setCloexec(fd)
  const draft = new ImageStore(context.paths).begunDraft(id, blobFd)
  const layers = layerStore(context)
  const layer = layers.begunLayer(id, lockFd)
  let ended = false
  const drop = async (): Promise<void> => {
    if (ended) return
    ended = true
    process.kill(pid, 'SIGKILL')
    closeSync(answer)
    waitChild(pid)
    draft?.release({ unlink: true })
    if (layer !== undefined) await layers.dropLayer(layer)
  }
  if (draft === undefined || layer === undefined || container !== containerId) {
    await drop()
    return undefined
  }
  context.log('debug', 'the changes are being packed since before Node started')
  return {
    draft,
    finish() {
      ended = true
      return layers.finishLayer(layer, async () => packed(await answerOf('pack', { pid, answer })))
    },
    [Symbol.asyncDispose]: drop,
  }
}
