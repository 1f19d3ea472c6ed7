import { execFile } from 'node:child_process'
import { TspodError } from '../base/errors.js'
import { nativeFile } from '../base/native-dir.js'

const maximumOutput = 16 * 1024 * 1024

export interface NativeOptions {
  readonly input?: string | Uint8Array
  readonly signal?: AbortSignal
}

/** Runs one of the native programs to its end; its output, or an error with what it said. Loads node:child_process. */
export function runNative(
  program: 'tspod-runtime' | 'tspod-inside',
  args: readonly string[],
  options: NativeOptions = {},
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settings = { encoding: 'buffer' as const, maxBuffer: maximumOutput, signal: options.signal }
    const child = execFile(nativeFile(program), args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(failed(program, args, stderr.toString('utf8').trim(), error))
    })
    /* It may have ended without reading: then its exit status says why. */
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input)
  })
}

function failed(program: string, args: readonly string[], said: string, cause: Error): TspodError {
  const what = said === '' ? cause.message : said
  return new TspodError('internal', `${program} ${args[0] ?? ''}: ${what}`, { cause })
}
