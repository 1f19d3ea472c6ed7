import { TspodError } from '../../base/errors.js'

const symbolic = /^[ugoa]*([-+=]([rwxXst]*|[ugo]))+(,[ugoa]*([-+=]([rwxXst]*|[ugo]))+)*$/

/** Whether `--chmod` is well-formed: octal up to 07777, or symbolic as chmod(1) has it. Gives it as `copyTree` takes it. */
export function parseMode(text: string): string {
  if (/^[0-7]{1,6}$/.test(text) && Number.parseInt(text, 8) <= 0o7777) return text
  if (text.length <= 256 && symbolic.test(text)) return text
  const why = /^\d+$/.test(text)
    ? 'it should be octal and between 0 and 07777'
    : 'it should be octal, or like u=rwX,go=rX'
  throw new TspodError('invalid-argument', `invalid chmod parameter: "${text}": ${why}`)
}
