import { TspodError } from '../../../base/errors.js'
import type { Location } from '../syntax.js'
import { mergedWithComments, type CheckOptions } from './check-options.js'
import { experimental, rules, type Rule } from './rules.js'

export interface LintWarning {
  readonly rule: Rule
  /** What the rule is about. */
  readonly description: string
  /** What was found. */
  readonly message: string
  /** 1-based, both included. */
  readonly line: number
  readonly endLine: number
}

/** Collects warnings, but those that the file's or an instruction's comments do not want. */
export class LintReport {
  readonly #options: CheckOptions
  readonly #warnings: LintWarning[]

  constructor(options: CheckOptions, warnings: LintWarning[] = []) {
    this.#options = options
    this.#warnings = warnings
  }

  /** In the file's order. */
  get warnings(): readonly LintWarning[] {
    return this.#warnings.toSorted((a, b) => a.line - b.line)
  }

  /** For one instruction, with what the comments before it say. A comment that says nothing of sense says nothing. */
  under(comments: readonly string[] = []): LintReport {
    try {
      return new LintReport(mergedWithComments(this.#options, comments), this.#warnings)
    } catch (error) {
      if (error instanceof TspodError) return this
      throw error
    }
  }

  warn(rule: Rule, message: string, { startLine, endLine }: Location): void {
    const { skip, experimental: asked } = this.#options
    const wanted = experimental.has(rule) ? asked === 'all' || asked.has(rule) : skip !== 'all' && !skip.has(rule)
    if (wanted) this.#warnings.push({ rule, description: rules[rule], message, line: startLine, endLine })
  }
}
