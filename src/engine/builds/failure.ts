import { TspodError } from '../../base/errors.js'
import type { Dockerfile, Location } from '../../build/dockerfile/index.js'
import type { BuildFailure } from './options.js'
import { CommandFailed } from './run-files.js'

/** What `work` gives; what it throws is told with the place in the Dockerfile. */
export async function failureAt<T>(
  file: Dockerfile,
  { location, text }: { readonly location: Location; readonly text: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isPlaced(error) ? error : placed(error, file, location, text)
  }
}

/** An instruction of another stage failed, and this one only waited for it. */
function isPlaced(error: unknown): boolean {
  return error instanceof TspodError && error.cause instanceof PlacedFailure
}

class PlacedFailure implements BuildFailure {
  readonly file: string
  readonly line: number
  readonly endLine: number
  readonly source: string
  readonly instruction: string
  readonly command?: readonly string[]
  readonly exitCode?: number
  readonly lastOutput?: string
  /** What was thrown. */
  readonly error: unknown

  constructor(error: unknown, file: Dockerfile, location: Location, instruction: string) {
    this.error = error
    this.file = file.filename
    this.line = location.startLine
    this.endLine = location.endLine
    this.source = file.source
    this.instruction = instruction
    if (error instanceof CommandFailed) {
      this.command = error.command
      this.exitCode = error.exitCode
      this.lastOutput = error.lastOutput
    }
  }
}

function placed(error: unknown, file: Dockerfile, location: Location, text: string): unknown {
  /* A build that was broken off has no place. */
  if (!(error instanceof TspodError)) return error
  const where = `${file.filename}:${String(location.startLine)}: `
  const message = error.message.startsWith(where) ? error.message : `${where}${error.message}`
  return new TspodError(error.code, message, { cause: new PlacedFailure(error, file, location, text) })
}
