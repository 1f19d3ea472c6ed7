import { TspodError } from '../../base/errors.js'
import type { CdiEdits } from '../../config/cdi.js'
import type { RunStep } from '../../build/dockerfile/index.js'
import { shellInStep } from './failed-step.js'
import { explained, requireRunnable } from './foreign.js'
import { makeLayer, type StepRoot } from './fresh-layer.js'
import { bottomFor, type OpenMounts } from './mounts.js'
import type { FailedStep } from './options.js'
import type { ReportedStep } from './report.js'
import type { RunCommand } from './run-record.js'
import { runInStep, type RunEnd } from './run-step.js'
import type { StageContext } from './stage-context.js'
import type { FileStep } from './stepper.js'

/** A command that failed; its place in the Dockerfile is put around it. */
export class CommandFailed extends TspodError {
  readonly command: readonly string[]
  readonly exitCode: number
  readonly lastOutput: string

  constructor(command: readonly string[], { status, lastOutput }: RunEnd) {
    super('build-failed', `process "${command.join(' ')}" did not complete successfully: exit code: ${String(status)}`)
    this.command = command
    this.exitCode = status
    this.lastOutput = lastOutput
  }
}

/** RUN as a step. */
export async function runFiles(stage: StageContext, step: RunStep): Promise<FileStep> {
  const { session, root, mounts, sourceOf, platform } = stage
  requireAllowed(stage, step)
  const { options } = session
  const cdi = await devicesFor(stage, step)
  const command = commandOf(stage, step, cdi?.edits)
  return {
    kind: 'RUN',
    name: stage.name,
    line: stage.line,
    always: stage.noCache,
    parts: {
      argv: step.argv,
      script: step.script === undefined ? undefined : { ...step.script },
      env: step.environment,
      workdir: step.workdir,
      user: step.user,
      mounts: await mounts.keyParts(step, sourceOf),
      network: [step.network, options.network?.mode],
      security: step.security,
      platform: [platform.os, platform.architecture, platform.variant],
      times: { ...session.times },
      devices: cdi?.names,
    },
    async make(reported) {
      requireRunnable(platform)
      let opened: OpenMounts | undefined
      const bottom = async (place: StepRoot['place']): Promise<string> => {
        opened = await mounts.open(step, place, sourceOf, cdi?.edits.mounts)
        return bottomFor(opened.mounts, place)
      }
      const how = { archive: stage.archive, ...(needsBottom(stage, step) || cdi !== undefined ? { bottom } : {}) }
      try {
        return await makeLayer(session, root.layers, how, (stepRoot) =>
          perform(stage, command, stepRoot, opened ?? nothing, reported),
        )
      } finally {
        await opened?.close()
      }
    },
  }
}

const nothing: OpenMounts = { mounts: [], env: {}, close: () => Promise.resolve() }

function needsBottom({ session }: StageContext, step: RunStep): boolean {
  return step.mounts.length > 0 || step.script !== undefined || (session.options.volumes ?? []).length > 0
}

async function perform(
  stage: StageContext,
  command: RunCommand,
  root: StepRoot,
  { mounts, env }: OpenMounts,
  reported: ReportedStep,
): Promise<void> {
  const { session } = stage
  const run = { ...command, env: { ...command.env, ...env } }
  const end = await runInStep(session, run, root, mounts, reported).catch((error: unknown) => {
    throw explained(error, stage.platform)
  })
  if (end.status === 0) return
  const failure = new CommandFailed(command.argv, end)
  const { onFailedStep } = session.options
  if (onFailedStep !== undefined && !session.signal.aborted) {
    const failed: FailedStep = {
      file: stage.evaluation.filename,
      line: stage.line,
      name: stage.name,
      command: command.argv,
      exitCode: end.status,
      lastOutput: end.lastOutput,
      openShell: (argv = ['/bin/sh']) => shellInStep(session, run, root, mounts, argv),
    }
    await onFailedStep(failed)
  }
  throw failure
}

/** The devices of the Container Device Interface that the build or the step asks for. */
async function devicesFor(
  { session: { context, options, report }, line }: StageContext,
  step: RunStep,
): Promise<{ readonly names: readonly string[]; readonly edits: CdiEdits } | undefined> {
  const { cdiDevices = [] } = options
  if (cdiDevices.length + step.devices.length === 0) return undefined
  const { cdiEdits, cdiFolders } = await import('../../config/cdi.js')
  const folders = cdiFolders(await context.conf())
  const found: string[] = []
  for (const { name, required } of step.devices) {
    try {
      cdiEdits([name], folders)
      found.push(name)
    } catch (error) {
      if (required) throw error
      report.warning(`--device=${name} is left out: no CDI specification has it`, { line })
    }
  }
  const names = [...new Set([...cdiDevices, ...found])]
  return { names, edits: cdiEdits(names, folders) }
}

function commandOf({ platform }: StageContext, step: RunStep, cdi: CdiEdits | undefined): RunCommand {
  return {
    argv: step.argv,
    env: {
      ...Object.fromEntries(
        step.environment.map((text) => {
          const equals = text.indexOf('=')
          return [text.slice(0, equals), text.slice(equals + 1)]
        }),
      ),
      ...cdi?.env,
    },
    workdir: step.workdir,
    user: step.user ?? '',
    network: step.network,
    insecure: step.security === 'insecure',
    devices: cdi?.devices ?? [],
    ...(cdi === undefined ? {} : { groups: cdi.groups, hooks: cdi.hooks }),
    architecture: platform.architecture,
  }
}

/** What a Dockerfile may not take for itself. */
function requireAllowed({ session: { options } }: StageContext, step: RunStep): void {
  const { entitlements = [], network } = options
  if (step.network === 'host' && network?.mode !== 'host' && !entitlements.includes('network.host'))
    throw new TspodError('invalid-argument', '--network=host is not allowed: the build needs --allow network.host')
  if (step.security === 'insecure' && !entitlements.includes('security.insecure'))
    throw new TspodError(
      'invalid-argument',
      '--security=insecure is not allowed: the build needs --allow security.insecure',
    )
  const [device] = step.devices
  if (device !== undefined && !entitlements.includes('device'))
    throw new TspodError('invalid-argument', `--device=${device.name} is not allowed: the build needs --allow device`)
}
