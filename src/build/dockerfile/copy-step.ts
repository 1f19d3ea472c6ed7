import { parseMode } from '../context/mode.js'
import { invalid, located } from './error.js'
import { Expansion, type Evaluation } from './evaluate.js'
import { booleanFlag, flagValue, flagValues } from './flags.js'
import { copyDestination } from './paths.js'
import type { StageState } from './stage-state.js'
import type { Instruction } from './syntax.js'

type CopyInstruction = Extract<Instruction, { kind: 'COPY' | 'ADD' }>

/** A COPY or ADD whose words are expanded; nothing is looked up. */
export interface CopyStep {
  readonly kind: 'COPY' | 'ADD'
  /** A stage's name or number, a named context, an image; undefined: the build's context. */
  readonly from: string | undefined
  /** Patterns, as written; ADD: also URLs and git repositories. */
  readonly sources: readonly string[]
  /** Files that stand in the Dockerfile itself. */
  readonly files: readonly { readonly name: string; readonly content: string }[]
  /** Absolute; with a slash at its end it is a folder. */
  readonly destination: string
  /** `user:group`, names or numbers. */
  readonly chown: string | undefined
  /** Octal or symbolic; well-formed. */
  readonly chmod: string | undefined
  /** The layer does not depend on what is beneath it. */
  readonly link: boolean
  /** The sources' own folders are kept. */
  readonly parents: boolean
  /** Patterns of what is left out. */
  readonly exclude: readonly string[]
  /** ADD: `sha256:…`, or a git commit's. */
  readonly checksum: string | undefined
  readonly keepGitDir: boolean | undefined
  /** Undefined: archives of the context are unpacked by ADD, downloads are not. */
  readonly unpack: boolean | undefined
  /** `created_by` of its entry in the image's history, as BuildKit writes it, but for its mark. */
  readonly createdBy: string
}

/** Throws dockerfile-invalid, with the place. */
export function copyStep(state: StageState, instruction: CopyInstruction, evaluation: Evaluation): CopyStep {
  return located(evaluation.filename, instruction.location.startLine, () => {
    const { kind, flags } = instruction
    const expansion = new Expansion(state, evaluation)
    const flag = (name: string): string | undefined => expansion.word(flagValue(flags, name) ?? '') || undefined
    const chmod = flag('chmod')
    const sources = instruction.sources.map((source) => expansion.word(source))
    const written = expansion.word(instruction.destination)
    const step = {
      kind,
      from: copyFrom(instruction),
      sources,
      files: instruction.heredocs.map(({ name, content, expand }) => ({
        name,
        content: expand ? expansion.document(content) : content,
      })),
      destination: copyDestination(state.config.WorkingDir, written),
      chown: flag('chown'),
      chmod: chmod === undefined ? undefined : parseMode(chmod),
      link: booleanFlag(flags, 'link') ?? false,
      parents: booleanFlag(flags, 'parents') ?? false,
      exclude: flagValues(flags, 'exclude'),
      checksum: flag('checksum'),
      keepGitDir: booleanFlag(flags, 'keep-git-dir'),
      unpack: booleanFlag(flags, 'unpack'),
    }
    if (step.checksum !== undefined && sources.length + step.files.length !== 1)
      throw invalid(`checksum can't be specified for multiple sources`)
    return { ...step, createdBy: historyText(step, written) }
  })
}

/** The `--from` of a COPY, which has to be known before anything is run: variables are not for it. */
export function copyFrom({ flags }: Pick<CopyInstruction, 'flags'>): string | undefined {
  const from = flagValue(flags, 'from')
  if (from === undefined || from === '') return undefined
  if (/[$'"\\]/.test(from))
    throw invalid(
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
    )
  return from
}

function historyText(step: Omit<CopyStep, 'createdBy'>, destination: string): string {
  return [
    step.kind,
    ...(step.parents ? ['--parents'] : []),
    ...(step.chown === undefined ? [] : [`--chown=${step.chown}`]),
    ...(step.chmod === undefined ? [] : [`--chmod=${step.chmod}`]),
    ...step.sources,
    ...step.files.map(({ name }) => `<<${name}`),
    destination,
  ].join(' ')
}
