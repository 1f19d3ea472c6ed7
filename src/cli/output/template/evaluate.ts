import { TspodError } from '../../../base/errors.js'
import { functions, isTrue, show } from './functions.js'
import type { Binding, Expression, Node } from './parse.js'

/** More than this is not a format, it is an attack on memory. */
const maximumOutput = 64 * 1024 * 1024

type Scope = Map<string, { value: unknown }>

interface State {
  readonly root: unknown
  readonly out: string[]
  length: number
}

class LoopSignal {
  readonly kind: 'break' | 'continue'
  constructor(kind: 'break' | 'continue') {
    this.kind = kind
  }
}

export function evaluate(nodes: readonly Node[], data: unknown): string {
  const state: State = { root: data, out: [], length: 0 }
  runAll(nodes, data, new Map([['', { value: data }]]), state)
  return state.out.join('')
}

function runAll(nodes: readonly Node[], dot: unknown, outer: Scope, state: State): void {
  const scope: Scope = new Map(outer)
  for (const node of nodes) run(node, dot, scope, state)
}

function run(node: Node, dot: unknown, scope: Scope, state: State): void {
  switch (node.kind) {
    case 'text':
      return emit(state, node.text)
    case 'break':
    case 'continue':
      throw new LoopSignal(node.kind)
    case 'print': {
      const value = valueOf(node.value, dot, scope)
      if (node.binding === undefined) emit(state, show(value))
      else bind(node.binding, [value], scope)
      return
    }
    case 'range':
      return range(node, dot, scope, state)
    default: {
      const value = valueOf(node.value, dot, scope)
      const inner: Scope = new Map(scope)
      if (node.binding !== undefined) bind(node.binding, [value], inner)
      if (isTrue(value)) runAll(node.body, node.kind === 'with' ? value : dot, inner, state)
      else runAll(node.otherwise, dot, inner, state)
    }
  }
}

function range(node: Extract<Node, { body: unknown }>, dot: unknown, scope: Scope, state: State): void {
  const entries = entriesOf(valueOf(node.value, dot, scope))
  if (entries.length === 0) return runAll(node.otherwise, dot, scope, state)
  for (const [key, value] of entries) {
    const inner: Scope = new Map(scope)
    if (node.binding !== undefined)
      bind({ ...node.binding, declares: true }, node.binding.names.length === 2 ? [key, value] : [value], inner)
    try {
      runAll(node.body, value, inner, state)
    } catch (signal) {
      if (!(signal instanceof LoopSignal)) throw signal
      if (signal.kind === 'break') return
    }
  }
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return [...value.entries()]
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)]
  if (typeof value === 'number')
    return Array.from({ length: Math.min(value, 100_000) }, (_, index) => [index, index] as const)
  if (typeof value === 'object') return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  throw new TspodError('usage', `template: range cannot go over "${show(value)}"`)
}

function bind(binding: Binding, values: readonly unknown[], scope: Scope): void {
  for (const [index, name] of binding.names.entries()) {
    const slot = scope.get(name)
    if (binding.declares) scope.set(name, { value: values[index] })
    else if (slot === undefined) throw new TspodError('usage', `template: undefined variable $${name}`)
    else slot.value = values[index]
  }
}

function emit(state: State, text: string): void {
  state.length += text.length
  if (state.length > maximumOutput) throw new TspodError('limit-exceeded', 'template: its output is too long')
  state.out.push(text)
}

function valueOf(expression: Expression, dot: unknown, scope: Scope, piped?: readonly unknown[]): unknown {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'field':
      return path(expression.of === undefined ? dot : valueOf(expression.of, dot, scope), expression.names, piped ?? [])
    case 'variable': {
      const slot = scope.get(expression.name)
      if (slot === undefined) throw new TspodError('usage', `template: undefined variable $${expression.name}`)
      return path(slot.value, expression.names, piped ?? [])
    }
    case 'pipe':
      return expression.stages.reduce<unknown[]>((before, stage) => [valueOf(stage, dot, scope, before)], []).at(0)
    case 'call':
      return call(expression, dot, scope, piped ?? [])
  }
}

function call(
  expression: Extract<Expression, { kind: 'call' }>,
  dot: unknown,
  scope: Scope,
  piped: readonly unknown[],
): unknown {
  const { target, args } = expression
  if (target === 'and' || target === 'or') return shortCircuit(target, args, dot, scope, piped)
  const values = [...args.map((arg) => valueOf(arg, dot, scope)), ...piped]
  if (typeof target !== 'string') return callValue(target, dot, scope, values)
  const known = Object.hasOwn(functions, target) ? functions[target] : undefined
  if (known === undefined) throw new TspodError('usage', `template: function "${target}" is not defined`)
  return known(...values)
}

function shortCircuit(
  target: 'and' | 'or',
  args: readonly Expression[],
  dot: unknown,
  scope: Scope,
  piped: readonly unknown[],
): unknown {
  let value: unknown
  for (const arg of [...args.map((inner) => () => valueOf(inner, dot, scope)), ...piped.map((inner) => () => inner)]) {
    value = arg()
    if (isTrue(value) === (target === 'or')) return value
  }
  return value
}

/** `.Label "maintainer"`: a field that is a function. */
function callValue(target: Expression, dot: unknown, scope: Scope, values: readonly unknown[]): unknown {
  if (target.kind === 'field')
    return path(target.of === undefined ? dot : valueOf(target.of, dot, scope), target.names, values)
  if (target.kind === 'variable') return path(valueOf({ ...target, names: [] }, dot, scope), target.names, values)
  throw new TspodError('usage', `template: "${show(valueOf(target, dot, scope))}" takes no arguments`)
}

/** Objects whose keys are users' own: a key that is missing has no value, elsewhere it is a mistake. */
const maps =
  /^(?:Labels|Annotations|Ports|PortBindings|ExposedPorts|Networks|Options|Volumes|Sysctls?|LogOpts|Config|GraphDriver|Data|Tmpfs|Hosts)$/

function path(start: unknown, names: readonly string[], args: readonly unknown[]): unknown {
  let value = start
  let parent = ''
  for (const [index, name] of names.entries()) {
    value = field(value, name, parent, index === names.length - 1 ? args : [])
    parent = name
  }
  if (names.length === 0 && args.length > 0)
    throw new TspodError('usage', `template: "${show(start)}" takes no arguments`)
  return value
}

function field(value: unknown, name: string, parent: string, args: readonly unknown[]): unknown {
  if (value === undefined || value === null) return undefined
  if (value instanceof Map) return (value as Map<string, unknown>).get(name)
  if (typeof value !== 'object' || Array.isArray(value))
    throw new TspodError('usage', `template: cannot look for .${name} in "${show(value)}"`)
  if (!Object.hasOwn(value, name) && maps.test(parent)) return undefined
  const own = [name, ...jsonNames(name)].find((one) => Object.hasOwn(value, one))
  if (own === undefined) throw new TspodError('usage', `template: there is no field .${name}${known(value)}`)
  const found = (value as Record<string, unknown>)[own]
  if (typeof found === 'function') return (found as (...values: readonly unknown[]) => unknown).apply(value, [...args])
  if (args.length > 0) throw new TspodError('usage', `template: .${name} takes no arguments`)
  return found
}

/** In Podman a template sees Go's fields, where JSON may have another spelling: `CreatedBy` is `created_by` of a history. */
function jsonNames(name: string): readonly string[] {
  if (!/^[A-Z]/.test(name)) return []
  return [name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase(), name.charAt(0).toLowerCase() + name.slice(1)]
}

function known(value: object): string {
  const names = Object.keys(value)
  return names.length === 0 || names.length > 60 ? '' : `; there are ${names.map((name) => `.${name}`).join(' ')}`
}
