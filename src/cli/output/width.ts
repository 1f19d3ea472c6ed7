/** Columns of a terminal: East Asian wide characters and emoji take two. */
export function displayWidth(text: string): number {
  if (isPlain(text)) return text.length
  let width = 0
  for (const character of text) width += isWide(character.codePointAt(0) ?? 0) ? 2 : 1
  return width
}

function isWide(point: number): boolean {
  return (
    point >= 0x1100 &&
    (point <= 0x115f ||
      (point >= 0x2e80 && point <= 0xa4cf) ||
      (point >= 0xac00 && point <= 0xd7a3) ||
      (point >= 0xf900 && point <= 0xfaff) ||
      (point >= 0xfe30 && point <= 0xfe6f) ||
      (point >= 0xff00 && point <= 0xff60) ||
      (point >= 0xffe0 && point <= 0xffe6) ||
      (point >= 0x1f300 && point <= 0x1faff) ||
      (point >= 0x20000 && point <= 0x3fffd))
  )
}

/** As much from the beginning of a text as fits; `…` stands for the rest. */
export function cutToWidth(text: string, width: number): string {
  if (text.length <= width / 2 || displayWidth(text) <= width) return text
  let used = 1
  let kept = ''
  for (const character of text) {
    used += displayWidth(character)
    if (used > width) break
    kept += character
  }
  return width < 1 ? '' : `${kept}…`
}

/** Whether each character is one that is printed in one column: most texts. */
export function isPlain(text: string): boolean {
  return /^[ -~]*$/.test(text)
}
