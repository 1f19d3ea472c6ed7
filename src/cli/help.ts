import type { Program } from './main.js'

/** Help is oclif's own, from the manifest that the build left beside the bundle; its machinery is loaded only now. */
export async function showHelp(words: readonly string[], program: Program): Promise<number> {
  const { execute } = await import('@oclif/core/execute')
  await execute({
    args: [...words, '--help'],
    loadOptions: {
      root: import.meta.dirname,
      version: program.version,
      pjson: {
        name: 'tspod',
        version: program.version,
        oclif: { bin: 'tspod', topicSeparator: ' ', helpOptions: { hideAliasesFromRoot: true, maxWidth: 110 } },
      },
    },
  })
  return 0
}
