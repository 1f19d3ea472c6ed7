import { invalid } from './error.js'

const directive = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/
const names = ['syntax', 'escape', 'check'] as const
type Name = (typeof names)[number]

/** The parser directives: comments `# name=value` at the very top, in any order, each once. */
export class Directives {
  readonly #values = new Map<Name, string>()
  #done = false
  #shebang = false

  get escape(): '\\' | '`' {
    return this.#values.get('escape') === '`' && !this.#shebang ? '`' : '\\'
  }

  get values(): { readonly syntax?: string; readonly check?: string } {
    const syntax = this.#values.get('syntax')?.split(' ')[0]
    const check = this.#values.get('check')
    return { ...(syntax === undefined ? {} : { syntax }), ...(check === undefined ? {} : { check }) }
  }

  /** Takes a line of the file's top, without blanks before it; true if it was a directive. */
  read(line: string, lineNumber: number): boolean {
    if (this.#done) return false
    if (lineNumber === 1 && line.startsWith('#!')) {
      this.#shebang = true
      return false
    }
    const [, written = '', value = ''] = directive.exec(line) ?? []
    const name = names.find((each) => each === written.toLowerCase())
    if (name === undefined) {
      this.#done = true
      return false
    }
    if (this.#values.has(name)) throw invalid(`only one ${name} parser directive can be used`)
    if (name === 'escape' && value !== '\\' && value !== '`')
      throw invalid(`invalid escape character "${value}": use \\ or \``)
    this.#values.set(name, value)
    return true
  }
}
