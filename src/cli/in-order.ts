export type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/** Works on up to `parallel` items at once and yields the outcomes in the items' order. */
export async function* inOrder<I, T>(
  items: readonly I[],
  parallel: number,
  work: (item: I) => Promise<T>,
): AsyncGenerator<Outcome<T>> {
  const running: Promise<Outcome<T>>[] = []
  let next = 0
  while (next < items.length || running.length > 0) {
    while (next < items.length && running.length < parallel) {
      running.push(settle(work, items[next] as I))
      next += 1
    }
    const first = running.shift()
    if (first !== undefined) yield await first
  }
}

async function settle<I, T>(work: (item: I) => Promise<T>, item: I): Promise<Outcome<T>> {
  try {
    return { value: await work(item) }
  } catch (error) {
    return { error }
  }
}
