import { expect, test } from 'vitest'

/** A grammar's table: what is accepted and what it means, and what is refused with which words. */
export function grammar<T>(
  parse: (text: string) => T,
  accepted: readonly (readonly [string, T])[],
  refused: readonly (readonly [string, string])[],
): void {
  test.each(accepted.map(([text, value]) => ({ text, value })))('accepts "$text"', ({ text, value }) => {
    expect(parse(text)).toEqual(value)
  })
  test.each(refused.map(([text, message]) => ({ text, message })))('refuses "$text"', ({ text, message }) => {
    expect(() => parse(text)).toThrow(message)
  })
}
