import { parse } from 'smol-toml'
import { TspodError } from '../base/errors.js'

/** Parses TOML; `path` is for the message. The only importer of smol-toml. */
export function parseToml(text: string, path: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text)
  } catch (error) {
    throw new TspodError('config-invalid', `${path} is not valid TOML: ${firstLine(error)}`, { cause: error })
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? ''
}
