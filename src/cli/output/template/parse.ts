import { TspodError } from '../../../base/errors.js'
import { splitTemplate, tokens, type Piece, type Token } from './lex.js'

export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'field'; readonly names: readonly string[]; readonly of?: Expression }
  | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
  /** A function or a field with arguments; in a pipeline the value before it comes last. */
  | { readonly kind: 'call'; readonly target: string | Expression; readonly args: readonly Expression[] }
  | { readonly kind: 'pipe'; readonly stages: readonly Expression[] }

export interface Binding {
  readonly names: readonly string[]
  readonly declares: boolean
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly value: Expression; readonly binding?: Binding }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly value: Expression
      readonly binding?: Binding
      readonly body: readonly Node[]
      readonly otherwise: readonly Node[]
    }
  | { readonly kind: 'break' | 'continue' }

export function parseTemplate(template: string): readonly Node[] {
  const reader = new PieceReader(splitTemplate(template))
  const { nodes, end } = reader.block(0)
  if (end !== undefined) throw new TspodError('usage', `template: unexpected {{${end}}}`)
  return nodes
}

interface Block {
  readonly nodes: readonly Node[]
  /** The action that ended it: `end`, `else`, `else if …`. */
  readonly end: string | undefined
}

class PieceReader {
  readonly #pieces: readonly Piece[]
  #next = 0

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces
  }

  block(depth: number): Block {
    if (depth > 50) throw new TspodError('usage', 'template: nested too deeply')
    const nodes: Node[] = []
    for (let piece = this.#take(); piece !== undefined; piece = this.#take()) {
      if ('text' in piece) nodes.push({ kind: 'text', text: piece.text })
      else if (/^(?:end|else)\b/.test(piece.action)) return { nodes, end: piece.action }
      else nodes.push(this.#node(piece.action, depth))
    }
    return { nodes, end: undefined }
  }

  #take(): Piece | undefined {
    const piece = this.#pieces[this.#next]
    this.#next += 1
    return piece
  }

  #node(action: string, depth: number): Node {
    const keyword = /^(if|with|range)\b/.exec(action)?.[1]
    if (keyword !== undefined) return this.#branch(keyword as 'if', action.slice(keyword.length), depth)
    if (action === 'break' || action === 'continue') return { kind: action }
    return { kind: 'print', ...parseAction(action) }
  }

  #branch(kind: 'if' | 'with' | 'range', condition: string, depth: number): Node {
    const head = parseAction(condition)
    const body = this.block(depth + 1)
    const otherwise = this.#otherwise(kind, body.end, depth)
    return { kind, ...head, body: body.nodes, otherwise }
  }

  #otherwise(kind: string, end: string | undefined, depth: number): readonly Node[] {
    if (end === undefined) throw new TspodError('usage', `template: {{${kind}}} without {{end}}`)
    if (end === 'end') return []
    const chained = /^else\s+(if|with)\b(.*)$/s.exec(end)
    if (chained !== null) return [this.#branch(chained[1] as 'if', chained[2] ?? '', depth + 1)]
    if (end !== 'else') throw new TspodError('usage', `template: unexpected {{${end}}}`)
    const rest = this.block(depth + 1)
    if (rest.end !== 'end') throw new TspodError('usage', `template: {{${kind}}} without {{end}}`)
    return rest.nodes
  }
}

function parseAction(action: string): { value: Expression; binding?: Binding } {
  const list = tokens(action)
  const at = list.findIndex((token) => token.kind === 'punctuation' && (token.value === ':=' || token.value === '='))
  const binding = at < 0 ? undefined : bindingOf(list.slice(0, at), isPunctuation(list[at], ':='), action)
  const reader = new TokenReader(list.slice(at + 1), action)
  const value = reader.pipeline()
  if (reader.more()) throw unexpected(action)
  return binding === undefined ? { value } : { value, binding }
}

function bindingOf(list: readonly Token[], declares: boolean, action: string): Binding {
  const names = list.filter((token) => token.kind === 'variable').map((token) => token.name)
  if (names.length === 0 || names.length > 2 || list.length !== names.length * 2 - 1) throw unexpected(action)
  return { names, declares }
}

function isPunctuation(token: Token | undefined, value: string): boolean {
  return token?.kind === 'punctuation' && token.value === value
}

function unexpected(action: string): TspodError {
  return new TspodError('usage', `template: cannot understand {{${action}}}`)
}

class TokenReader {
  readonly #list: readonly Token[]
  readonly #action: string
  #next = 0
  #depth = 0

  constructor(list: readonly Token[], action: string) {
    this.#list = list
    this.#action = action
  }

  more(): boolean {
    return this.#next < this.#list.length
  }

  pipeline(): Expression {
    const stages = [this.#command()]
    while (isPunctuation(this.#list[this.#next], '|')) {
      this.#next += 1
      stages.push(this.#command())
    }
    const [only] = stages
    return stages.length === 1 && only !== undefined ? only : { kind: 'pipe', stages }
  }

  /** A function or a field with its arguments, or one operand. */
  #command(): Expression {
    const first = this.#list[this.#next]
    const name = first?.kind === 'word' && !literals.has(first.value) ? first.value : undefined
    if (name !== undefined) this.#next += 1
    const target = name ?? this.#operand()
    const args: Expression[] = []
    while (this.more() && !isPunctuation(this.#list[this.#next], '|') && !isPunctuation(this.#list[this.#next], ')'))
      args.push(this.#operand())
    if (typeof target !== 'string' && args.length === 0) return target
    return { kind: 'call', target, args }
  }

  #operand(): Expression {
    let operand = this.#simple()
    for (let token = this.#list[this.#next]; token?.kind === 'field' && token.chained; token = this.#list[this.#next]) {
      operand = { kind: 'field', names: token.names, of: operand }
      this.#next += 1
    }
    return operand
  }

  #simple(): Expression {
    const token = this.#list[this.#next]
    this.#next += 1
    if (token === undefined) throw unexpected(this.#action)
    if (token.kind === 'string' || token.kind === 'number') return { kind: 'literal', value: token.value }
    if (token.kind === 'field') return { kind: 'field', names: token.names }
    if (token.kind === 'variable') return { kind: 'variable', name: token.name, names: token.names }
    if (token.kind === 'word') return literals.get(token.value) ?? { kind: 'call', target: token.value, args: [] }
    if (token.value !== '(') throw unexpected(this.#action)
    if (++this.#depth > 50) throw new TspodError('usage', 'template: nested too deeply')
    const inner = this.pipeline()
    if (!isPunctuation(this.#list[this.#next], ')')) throw unexpected(this.#action)
    this.#next += 1
    this.#depth -= 1
    return inner
  }
}

const literals: ReadonlyMap<string, Expression> = new Map([
  ['true', { kind: 'literal', value: true }],
  ['false', { kind: 'literal', value: false }],
  ['nil', { kind: 'literal', value: null }],
])
