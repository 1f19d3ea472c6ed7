import { parse } from 'yaml'
import { TspodError } from '../base/errors.js'

/** Parses YAML 1.2, of which JSON is a part; `path` is for the message. The only importer of yaml. */
export function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text, { logLevel: 'error' })
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n', 1)
    throw new TspodError('config-invalid', `${path} is not valid YAML: ${line}`, { cause: error })
  }
}
