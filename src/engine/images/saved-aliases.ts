import { dirname } from 'node:path'
import { ensureFolder, readText, writeFileAtomic } from '../../state/file.js'
import { withLock } from '../../state/lock.js'
import { savedAliasesPath } from '../../config/registries-conf.js'
import { parseToml } from '../../config/toml.js'

/** Keeps which repository a person has chosen for a short name, where Podman does, too: neither asks again. */
export async function saveAlias(
  env: Readonly<Record<string, string | undefined>>,
  shortName: string,
  repository: string,
): Promise<void> {
  const path = savedAliasesPath(env)
  ensureFolder(dirname(path))
  await withLock(`${path}.lock`, () => {
    const { aliases } = parseToml(readText(path) ?? '', path)
    const known = typeof aliases === 'object' && aliases !== null ? Object.entries(aliases) : []
    const lines = [...new Map([...known, [shortName, repository]])].map(
      ([name, value]) => `${JSON.stringify(name)} = ${JSON.stringify(value)}\n`,
    )
    writeFileAtomic(path, `[aliases]\n${lines.join('')}`, { sync: true })
  })
}
