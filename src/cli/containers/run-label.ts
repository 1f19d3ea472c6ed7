import { basename } from 'node:path'
import { TspodError } from '../../base/errors.js'

export interface RunLabelRequest {
  readonly label: string
  /** As it was typed. */
  readonly image: string
  /** Arguments that follow the label's own. */
  readonly more: readonly string[]
  readonly name?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

const engines = ['podman', 'docker', 'tspod']

/**
 * The words of the command that a label has, without the engine's own name: `IMAGE` and `NAME` stand for the image and
 * the container, as do `$IMAGE` and `${NAME}`; other variables are the caller's. What is no command of an engine's is
 * refused: an image must not choose a program of the host's.
 */
export function runLabelCommand(labels: Readonly<Record<string, string>>, request: RunLabelRequest): string[] {
  const text = Object.hasOwn(labels, request.label) ? labels[request.label] : undefined
  if (text === undefined || text.trim() === '')
    throw new TspodError(
      'invalid-argument',
      `cannot find the value of label: ${request.label} in image: ${request.image}`,
    )
  const name = request.name ?? defaultName(request.image)
  const meant: Readonly<Record<string, string | undefined>> = { ...request.env, IMAGE: request.image, NAME: name }
  const [program = '', ...words] = splitWords(text)
  if (!engines.includes(basename(program)))
    throw new TspodError(
      'not-supported',
      `the label ${request.label} runs ${program}: only commands of ${engines.join(', ')} are run for an image`,
    )
  return [...words.map((word) => substitute(word, meant)), ...request.more]
}

function substitute(word: string, meant: Readonly<Record<string, string | undefined>>): string {
  if (word === 'IMAGE' || word === 'NAME') return meant[word] ?? ''
  const whole = /^(IMAGE|NAME)=\1$/.exec(word)?.[1]
  if (whole !== undefined) return `${whole}=${meant[whole] ?? ''}`
  return word.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (_, braced?: string, bare?: string) => meant[braced ?? bare ?? ''] ?? '',
  )
}

/** Words as a shell has them: quotes keep blanks, a backslash the next character. */
function splitWords(text: string): string[] {
  const words = text.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs) ?? []
  return words.map((word) =>
    word.replace(
      /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/gs,
      (_, escaped?: string, double?: string, single?: string) =>
        escaped ?? single ?? (double ?? '').replace(/\\(["\\$`])/g, '$1'),
    ),
  )
}

/** `quay.io/a/web:1` makes a container `web`. */
function defaultName(image: string): string {
  return basename(image).replace(/[@:].*$/, '')
}
