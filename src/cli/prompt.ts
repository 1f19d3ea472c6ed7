import { isatty } from '../base/syscalls.js'
import { TspodError } from '../base/errors.js'
import { writeError } from './output/write.js'

/** Asks a person for a line, on stderr. An input that ends before is no answer. */
export async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const questions = createInterface({ input: process.stdin, output: process.stderr })
  /* On a terminal a ^C comes as a character. */
  questions.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  /* Node leaves a question open for ever then, and the process would end as if all were well. */
  const ended = new Promise<never>((_, reject) => {
    questions.once('close', () => reject(new TspodError('usage', 'the standard input ended before an answer came')))
  })
  try {
    return (await Promise.race([questions.question(question), ended])).trim()
  } finally {
    questions.close()
  }
}

/** A question on stderr, answered on stdin; anything but yes is no. */
export async function confirm(warning: string): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `))
}

/** Asks for what nobody else should see: it is not echoed. Only on a terminal. */
export async function askSecret(question: string, otherwise: string): Promise<string> {
  const { stdin } = process
  if (!isatty(0)) throw new TspodError('usage', `cannot ask for a password without a terminal: use ${otherwise}`)
  writeError(question)
  stdin.setRawMode(true)
  try {
    return await readSecret(stdin)
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    writeError('\n')
  }
}

/** All of stdin, without the ends of lines behind it. */
export async function readAllInput(maximum: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length
    if (size > maximum) throw new TspodError('limit-exceeded', 'the standard input is too long for a password')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/[\r\n]+$/, '')
}

const [interrupt, endOfInput, backspace, del] = ['\u0003', '\u0004', '\b', '\u007f']

/** By events: an iterator does not start a stream again that a question before has paused, and the process would end. */
function readSecret(stdin: NodeJS.ReadStream): Promise<string> {
  let text = ''
  stdin.setEncoding('utf8')
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      stdin.off('data', take).off('end', ended).off('error', reject)
      end()
    }
    const ended = (): void => settle(() => resolve(text))
    const take = (chunk: string): void => {
      for (const character of chunk) {
        if (character === '\r' || character === '\n' || character === endOfInput) return ended()
        if (character === interrupt) {
          process.kill(process.pid, 'SIGINT')
          return settle(() => reject(new TspodError('usage', 'interrupted')))
        }
        if (character === backspace || character === del) text = [...text].slice(0, -1).join('')
        else text += character
      }
    }
    stdin.on('data', take).on('end', ended).on('error', reject).resume()
  })
}
