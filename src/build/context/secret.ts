import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { TspodError } from '../../base/errors.js'

/** BuildKit's (session/secrets). */
const maximumSecret = 500 * 1024

/** Where a secret's value is. */
export interface SecretSource {
  readonly id: string
  readonly source: { readonly type: 'file'; readonly path: string } | { readonly type: 'env'; readonly name: string }
}

/** Reads the values of secrets. They stay in memory: who mounts one writes it to a tmpfs. Messages have no values. */
export async function openSecrets(
  secrets: readonly SecretSource[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, Buffer>> {
  const values = new Map<string, Buffer>()
  for (const { id, source } of secrets) {
    if (values.has(id)) throw new TspodError('invalid-argument', `secret "${id}" is given twice`)
    values.set(
      id,
      source.type === 'file' ? await readSecretFile(id, source.path) : fromEnvironment(id, source.name, env),
    )
  }
  return values
}

function fromEnvironment(id: string, name: string, env: Readonly<Record<string, string | undefined>>): Buffer {
  const text = env[name]
  if (text === undefined) throw new TspodError('invalid-argument', `secret "${id}": ${name} is not set`)
  const value = Buffer.from(text)
  if (value.length > maximumSecret) throw tooLarge(id)
  return value
}

/** Not only regular files: `--secret src=<(command)` is a pipe. */
async function readSecretFile(id: string, path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'no such file' : error.message
    throw new TspodError('invalid-argument', `secret "${id}": ${path}: ${why}`, { cause: error })
  })
  try {
    if ((await file.stat()).isDirectory())
      throw new TspodError('invalid-argument', `secret "${id}": ${path} is a folder`)
    const buffer = Buffer.alloc(maximumSecret + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length)
      length += bytesRead
      if (length > maximumSecret) throw tooLarge(id)
      if (bytesRead === 0) return Buffer.from(buffer.subarray(0, length))
    }
  } finally {
    await file.close()
  }
}

function tooLarge(id: string): TspodError {
  return new TspodError('limit-exceeded', `secret "${id}" is larger than ${String(maximumSecret / 1024)} KiB`)
}
