export function readPage(folder: string, page: string): string
export function optionsOf(text: string): readonly {
  readonly names: readonly string[]
  readonly letters: readonly string[]
  readonly takesValue: boolean
}[]
