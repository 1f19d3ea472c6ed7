import type { BuildWarning, CheckResult } from '../../index.js'
import { plainText } from '../output/plain-text.js'
import { sourceExcerpt } from './source-excerpt.js'

/** What `--check` prints: each warning with the lines that it is about, and how many there are. */
export function formatCheck({ warnings, failed }: CheckResult, sourceOf: (file: string) => string | undefined): string {
  if (warnings.length === 0) return 'Check complete, no warnings found.\n'
  const found = `${String(warnings.length)} warning${warnings.length === 1 ? ' has' : 's have'} been found`
  const parts = warnings.map((warning) => `${formatWarning(warning, sourceOf(warning.file))}\n`)
  return `${parts.join('')}Check complete, ${found}${failed ? ', which are errors here (check=error=true)' : ''}!\n`
}

function formatWarning({ rule, message, detail, file, line }: BuildWarning, source: string | undefined): string {
  const text = [message, ...(detail === undefined ? [] : [detail])].map((part) => `${plainText(part)}\n`).join('')
  const excerpt = line === undefined || source === undefined ? '' : sourceExcerpt({ file, source, line, endLine: line })
  return `WARNING: ${rule} - ${rulePage(rule)}\n${text}${excerpt}`
}

/** Docker's page about the rule: they have its names. */
function rulePage(rule: string): string {
  const name = rule.replace(/([a-z])([A-Z])/g, '$1-$2').replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
  return `https://docs.docker.com/go/dockerfile/rule/${name.toLowerCase()}/`
}
