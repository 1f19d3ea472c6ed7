/**
 * What a Dockerfile says, as written: words are not expanded and nothing is looked up. The parser makes it, the checks
 * and the evaluation read it. Source: the Dockerfile reference, syntax 1.20.
 */

/** A range of lines of one file, 1-based, both ends included. */
export interface Location {
  readonly startLine: number
  readonly endLine: number
}

/** A here-document: `<<NAME`, `<<-NAME` (tabs stripped), `<<"NAME"` (not expanded). */
export interface Heredoc {
  readonly name: string
  readonly content: string
  readonly expand: boolean
}

/** One `--name=value` before an instruction's arguments; without `=` the value is undefined. */
export interface InstructionFlag {
  readonly name: string
  readonly value: string | undefined
}

/** Arguments of RUN, CMD, ENTRYPOINT, SHELL, HEALTHCHECK: a JSON array, or text for the shell. */
export type CommandForm =
  { readonly form: 'exec'; readonly args: readonly string[] } | { readonly form: 'shell'; readonly text: string }

interface Base {
  readonly location: Location
  /** The instruction as history and progress show it: one line, continuations joined. */
  readonly text: string
  readonly flags: readonly InstructionFlag[]
  /** What only the checks ask for. */
  readonly written?: Written
}

/** How an instruction was written. */
export interface Written {
  /** The instruction's name, as it was typed. */
  readonly keyword: string
  /** Comments before it, without `#`, since the last instruction or empty comment. */
  readonly comments: readonly string[]
  /** Line at which it ends, if it has an empty line between continuations. */
  readonly emptyContinuation?: number
}

/** A name with its unexpanded value. */
export interface Assignment {
  readonly name: string
  readonly value: string
}

export type Instruction = Base &
  (
    | { readonly kind: 'ARG'; readonly args: readonly { readonly name: string; readonly value: string | undefined }[] }
    | { readonly kind: 'ENV' | 'LABEL'; readonly pairs: readonly Assignment[]; readonly legacy?: boolean }
    | {
        readonly kind: 'COPY' | 'ADD'
        /** Without those that are here-documents. */
        readonly sources: readonly string[]
        readonly destination: string
        readonly heredocs: readonly Heredoc[]
      }
    | { readonly kind: 'RUN'; readonly command: CommandForm; readonly heredocs: readonly Heredoc[] }
    | { readonly kind: 'CMD' | 'ENTRYPOINT'; readonly command: CommandForm }
    | { readonly kind: 'SHELL'; readonly args: readonly string[] }
    | { readonly kind: 'HEALTHCHECK'; readonly test: 'NONE' | CommandForm }
    | { readonly kind: 'EXPOSE' | 'VOLUME'; readonly values: readonly string[] }
    | { readonly kind: 'USER' | 'WORKDIR' | 'STOPSIGNAL' | 'MAINTAINER'; readonly value: string }
    | { readonly kind: 'ONBUILD'; readonly trigger: string }
  )

/** `FROM base [AS name]` and what follows until the next FROM. */
export interface Stage {
  readonly index: number
  /** As written after AS, in lower case. */
  readonly name: string | undefined
  /** Unexpanded: an image, an earlier stage, a named context, or `scratch`. */
  readonly base: string
  /** Unexpanded `--platform`. */
  readonly platform: string | undefined
  readonly location: Location
  readonly text: string
  readonly instructions: readonly Instruction[]
  readonly written?: Written & {
    /** `AS` and the name, as they were typed. */
    readonly as?: readonly [string, string]
  }
}

export interface Dockerfile {
  /** How messages call the file. */
  readonly filename: string
  readonly source: string
  readonly escape: '\\' | '`'
  readonly directives: { readonly syntax?: string; readonly check?: string }
  /** ARGs before the first FROM. */
  readonly globalArgs: readonly Extract<Instruction, { kind: 'ARG' }>[]
  readonly stages: readonly Stage[]
}
