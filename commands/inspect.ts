import { TspodError, type Engine } from '../src/index.js'
import { isMissing } from '../src/cli/containers/missing.js'
import { InspectCommand, latestOr } from '../src/cli/families.js'
import { switchFlag, textFlag } from '../src/cli/flags/define.js'

const types = ['all', 'container', 'image', 'volume']

export default class Inspect extends InspectCommand {
  static override summary = 'Show everything known about containers, images or volumes'
  static override usage = 'inspect [OPTION]… NAME…'
  static override completes: typeof InspectCommand.completes = ['object']
  static override flags = {
    latest: switchFlag('The container created last', { char: 'l' }),
    size: switchFlag("Show the container's size, too", { char: 's' }),
    type: textFlag('What the names are of', { char: 't', options: types }),
  }

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Inspect)
    const engine = await this.engine()
    const names = await latestOr(engine, flags.latest, argv)
    await this.printInspected(names, flags.format, (name) => inspect(engine, name, flags.type ?? 'all', flags.size))
  }
}

/** A container of this name hides an image, and that a volume. */
async function inspect(engine: Engine, name: string, type: string, size: boolean): Promise<unknown> {
  if (type === 'image') return engine.images.inspect(name)
  if (type === 'volume') return engine.volumes.inspect(name)
  try {
    return await engine.containers.inspect(name, { size })
  } catch (error) {
    if (type === 'container' || !isMissing(error)) throw error
  }
  if (await engine.images.exists(name)) return engine.images.inspect(name)
  if (await engine.volumes.exists(name)) return engine.volumes.inspect(name)
  throw new TspodError('no-such-container', `no such object: "${name}"`)
}
