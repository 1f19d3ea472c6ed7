/** JSON for people and programs alike: indented as Podman does it, one line at the end. */
export function formatJson(value: unknown, indent = 4): string {
  return `${JSON.stringify(value, undefined, indent)}\n`
}

/** On one line, as a template's `json` function gives it. */
export function compactJson(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
}
