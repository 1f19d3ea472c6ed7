/** The candidate closest to what was typed, if it is close enough to have been meant. */
export function nearest(typed: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.ceil(typed.length / 4)) + 1
  for (const candidate of candidates.filter((name) => sharesBeginning(typed, name))) {
    const distance = candidate.startsWith(typed) && typed.length > 2 ? 1 : editDistance(typed, candidate, bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Who mistypes nearly always gets the first letter right, or swaps or drops it; comparing everything would take long. */
function sharesBeginning(typed: string, name: string): boolean {
  return typed[0] === name[0] || typed[1] === name[0] || typed[0] === name[1]
}

/** Damerau-Levenshtein (neighbouring letters swapped count once), given up at `limit`. */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const cost = from[i - 1] === to[j - 1] ? 0 : 1
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (swapped) value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1)
      row.push(value)
    }
    beforeLast = last
    last = row
  }
  return last[to.length] ?? limit
}
