type Graph = ReadonlyMap<string, ReadonlySet<string>>

/**
 * The circles in who needs whom: names that all need each other, over others or directly; each sorted.
 * Kosaraju's way, without recursion: thousands of quadlets may stand in one line.
 */
export function findLoops(needs: Graph): string[][] {
  const needed = reversed(needs)
  const placed = new Set<string>()
  const loops: string[][] = []
  for (const name of byCompletion(needs).reverse()) {
    if (placed.has(name)) continue
    const together = reach(name, needed, placed)
    if (together.length > 1 || needs.get(name)?.has(name) === true) loops.push(together.sort())
  }
  return loops
}

function reversed(graph: Graph): Graph {
  const result = new Map([...graph.keys()].map((name) => [name, new Set<string>()]))
  for (const [from, targets] of graph) for (const to of targets) result.get(to)?.add(from)
  return result
}

/** Each name after those that it needs, as far as they do not need it. */
function byCompletion(graph: Graph): string[] {
  const seen = new Set<string>()
  const done: string[] = []
  for (const start of graph.keys()) {
    if (seen.has(start)) continue
    seen.add(start)
    const open = [{ name: start, rest: [...(graph.get(start) ?? [])] }]
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = top.rest.pop()
      if (next === undefined) {
        done.push(top.name)
        open.pop()
      } else if (graph.has(next) && !seen.has(next)) {
        seen.add(next)
        open.push({ name: next, rest: [...(graph.get(next) ?? [])] })
      }
    }
  }
  return done
}

/** What is reached from a name and not yet in `placed`, where it is put. */
function reach(start: string, graph: Graph, placed: Set<string>): string[] {
  const reached = [start]
  placed.add(start)
  for (const name of reached) {
    for (const next of graph.get(name) ?? []) {
      if (placed.has(next)) continue
      placed.add(next)
      reached.push(next)
    }
  }
  return reached
}
