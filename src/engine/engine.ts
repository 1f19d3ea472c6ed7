import { bindArtifacts } from './artifacts/index.js'
import { bindBuilds } from './builds/index.js'
import { bindContainers } from './containers/index.js'
import type { Context, EngineOptions } from './context.js'
import type { EngineEvent, EventOptions } from './events/types.js'
import { bindImages } from './images/index.js'
import { bindManifests } from './manifests/index.js'
import { bindRegistries } from './registries/index.js'
import { bindSystem } from './system/index.js'
import { bindSystemd } from './systemd/index.js'
import { bindVolumes } from './volumes/index.js'

/** Everything tspod can do, bound to one Context. Each operation imports its code when first called. */
export type Engine = ReturnType<typeof bindEngine>

export function bindEngine(context: Context) {
  return {
    context,
    artifacts: bindArtifacts(context),
    builds: bindBuilds(context),
    containers: bindContainers(context),
    images: bindImages(context),
    manifests: bindManifests(context),
    registries: bindRegistries(context),
    system: bindSystem(context),
    systemd: bindSystemd(context),
    volumes: bindVolumes(context),
    /** What happened to containers, images and volumes; with `follow` what happens. */
    events: (options?: EventOptions) => eventsLater(context, options),
  }
}

async function* eventsLater(context: Context, options: EventOptions | undefined): AsyncGenerator<EngineEvent> {
  const { readEvents } = await import('./events/read.js')
  yield* readEvents(context, options)
}

export type { EngineOptions }
