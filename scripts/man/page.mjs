import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The text of a page with what it includes: `@include NAME` stands for man/options/NAME.md, and
 * `@include NAME --flag --flag` for those options of it alone.
 */
export function readPage(folder, page) {
  const text = readFileSync(join(folder, `${page}.md`), 'utf8')
  return text.replace(/^@include (\S+)((?: --\S+)*)$/gm, (_line, name, flags) => {
    const shared = readFileSync(join(folder, 'options', `${name}.md`), 'utf8').trim()
    return flags === '' ? shared : onlyOptions(shared, flags.trim().split(' '), name)
  })
}

function onlyOptions(text, flags, name) {
  const options = text.split(/^(?=### )/m).map((option) => option.trim())
  return flags
    .map((flag) => {
      const found = options.find((option) => headingOf(option).includes(flag))
      if (found === undefined) throw new Error(`man/options/${name}.md has no ${flag}`)
      return found
    })
    .join('\n\n')
}

function headingOf(option) {
  return option
    .split('\n', 1)[0]
    .slice(4)
    .split(/[\s,]+/)
}

/** The options that a page describes: the flags of each heading `### --name, -n VALUE`. */
export function optionsOf(text) {
  return [...text.matchAll(/^### (-.*)$/gm)].map(([, heading]) => {
    const words = heading.replace(/`/g, '').split(/,\s*|\s+/)
    return {
      names: words.filter((word) => word.startsWith('--')).map((word) => word.slice(2)),
      letters: words.filter((word) => /^-[^-]$/.test(word)).map((word) => word.slice(1)),
      takesValue: words.some((word) => !word.startsWith('-')),
    }
  })
}
