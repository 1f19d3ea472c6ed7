import { isatty } from '../../base/syscalls.js'
import { TspodError, type BuildOptions, type BuildResult, type Engine } from '../../index.js'
import { exitStatusOf, printError } from '../exit-status.js'
import { writeError, writeOutput } from '../output/write.js'
import { formatCheck } from './check-report.js'
import { failureOf, formatFailure, withoutFailure } from './failure.js'
import { untilInterrupted } from './interrupt.js'
import {
  isProgressKind,
  progressKinds,
  startBuildProgress,
  type BuildProgress,
  type ProgressOptions,
} from './progress.js'
import type { BuildFlags } from './request.js'
import { dockerfileReader } from './sources.js'
import { formatDifference } from './verify-report.js'

export interface ViewOptions {
  readonly progress: ProgressOptions
  /** A shell in a step that failed. */
  readonly debugShell: boolean
  readonly verify: boolean
}

/** How a build is to be seen. */
export function viewOptions(flags: BuildFlags, env: Readonly<Record<string, string | undefined>>): ViewOptions {
  const kind = flags.quiet ? 'quiet' : (flags.progress ?? env['BUILDKIT_PROGRESS'] ?? 'auto')
  if (!isProgressKind(kind))
    throw new TspodError('usage', `BUILDKIT_PROGRESS "${kind}" is none of ${progressKinds.join(', ')}`)
  if (flags['debug-shell'] && !(isatty(0) && isatty(2))) throw new TspodError('usage', '--debug-shell needs a terminal')
  return {
    progress: { kind, ...(flags.logfile === undefined ? {} : { logfile: flags.logfile }) },
    debugShell: flags['debug-shell'],
    verify: flags.verify,
  }
}

/** Builds, shows what goes on, and prints the ID; answers the exit status: a failed step's own, as Podman's. */
export async function runBuild(engine: Engine, request: BuildOptions, view: ViewOptions): Promise<number> {
  const progress = startBuildProgress(view.progress)
  try {
    return await untilInterrupted((signal) => {
      const shell = view.debugShell ? { onFailedStep: shellOpener(progress) } : {}
      return build(engine, { ...request, ...shell, signal, onEvent: progress.onEvent }, progress, view)
    })
  } catch (error) {
    progress.stop()
    return failed(error)
  } finally {
    progress.stop()
  }
}

async function build(
  engine: Engine,
  options: BuildOptions,
  progress: BuildProgress,
  { verify }: ViewOptions,
): Promise<number> {
  if (!verify) {
    const result = await engine.builds.build(options)
    progress.stop()
    printResult(result)
    return 0
  }
  const { result, difference } = await engine.builds.verify(options)
  progress.stop()
  printResult(result)
  writeError(formatDifference(difference))
  return difference === undefined ? 0 : 1
}

function printResult({ id }: BuildResult): void {
  if (id !== undefined) writeOutput(`${id}\n`)
}

function failed(error: unknown): number {
  const failure = failureOf(error)
  if (failure === undefined) throw error
  writeError(formatFailure(failure))
  printError(withoutFailure(error))
  return failure.exitCode === undefined || failure.exitCode === 0 ? exitStatusOf(error) : failure.exitCode
}

function shellOpener(progress: BuildProgress): NonNullable<BuildOptions['onFailedStep']> {
  return async (step) => {
    progress.stop()
    writeError(`\n${step.name} failed with status ${String(step.exitCode)}; this is a shell in it:\n`)
    await step.openShell()
  }
}

/** `--check`: the warnings; the exit status is 1 if there are any, as BuildKit's. */
export async function runCheck(engine: Engine, request: BuildOptions): Promise<number> {
  const result = await engine.builds.check(request)
  writeOutput(formatCheck(result, dockerfileReader(request)))
  return result.warnings.length === 0 ? 0 : 1
}
