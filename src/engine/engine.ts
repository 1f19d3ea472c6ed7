import { bindContainers } from './containers/index.js'
import type { Context, EngineOptions } from './context.js'
import { bindImages } from './images/index.js'
import { bindSystem } from './system/index.js'

/** Everything tspod can do, bound to one Context. Each operation imports its code when first called. */
export type Engine = ReturnType<typeof bindEngine>

export function bindEngine(context: Context) {
  return {
    context,
    containers: bindContainers(context),
    images: bindImages(context),
    system: bindSystem(context),
  }
}

export type { EngineOptions }
