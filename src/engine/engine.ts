import type { Context, EngineOptions } from './context.js'

/** Everything tspod can do, bound to one Context. Each namespace imports its code when first called. */
export type Engine = ReturnType<typeof bindEngine>

export function bindEngine(context: Context) {
  return { context }
}

export type { EngineOptions }
