import type { Engine, WaitCondition } from '../src/index.js'
import { isMissing } from '../src/cli/containers/missing.js'
import { ContainersCommand, type FlagsOf } from '../src/cli/families.js'
import { commaListFlag, switchFlag, valueFlag } from '../src/cli/flags/define.js'
import { invalid, parseDuration } from '../src/cli/parse/value.js'

const conditions: readonly WaitCondition[] = [
  'configured',
  'created',
  'exited',
  'healthy',
  'initialized',
  'paused',
  'removing',
  'running',
  'stopped',
  'unhealthy',
]

export default class Wait extends ContainersCommand<typeof Wait> {
  static override summary = 'Wait until containers have stopped and print their exit status'
  static override usage = 'wait [OPTION]… CONTAINER…'
  static override aliases = ['container:wait']
  static override flags = {
    condition: commaListFlag(parseCondition, 'What to wait for, if not for the end', { helpValue: 'CONDITION' }),
    ignore: switchFlag('A container that does not exist counts as ended with -1'),
    interval: valueFlag(parseInterval, 'How often to look, where it cannot be told', { char: 'i', helpValue: 'TIME' }),
  }

  protected override async act(engine: Engine, name: string, flags: FlagsOf<typeof Wait>): Promise<string> {
    try {
      const status = await engine.containers.wait(name, {
        ...(flags.condition === undefined ? {} : { conditions: flags.condition }),
        ...(flags.interval === undefined ? {} : { intervalMilliseconds: flags.interval }),
      })
      return String(status)
    } catch (error) {
      if (flags.ignore && isMissing(error)) return '-1'
      throw error
    }
  }
}

function parseCondition(text: string): WaitCondition {
  const found = conditions.find((condition) => condition === text)
  if (found === undefined) throw invalid(`unknown condition "${text}": ${conditions.join(', ')}`)
  return found
}

/** A bare number is of milliseconds, as Podman has it. */
function parseInterval(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : parseDuration(text) / 1_000_000
}
