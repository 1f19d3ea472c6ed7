import { isatty } from '../../base/syscalls.js'

/** Asks a person which registry a short name means; undefined where nobody is there to ask. */
export function registryChooser(): ((candidates: readonly string[]) => Promise<string>) | undefined {
  if (!isatty(0) || !isatty(2)) return undefined
  return async (candidates) => {
    const { createInterface } = await import('node:readline/promises')
    const questions = createInterface({ input: process.stdin, output: process.stderr })
    try {
      for (;;) {
        const list = candidates.map((name, number) => `  ${String(number + 1)}) ${name}`).join('\n')
        const answer = await questions.question(`Please select an image:\n${list}\n> `)
        const chosen = candidates[Number(answer.trim()) - 1] ?? candidates.find((name) => name === answer.trim())
        if (chosen !== undefined) return chosen
      }
    } finally {
      questions.close()
    }
  }
}
