import { readFile } from 'node:fs/promises'

/**
 * @oclif/core is CommonJS compiled by TypeScript: `const x_1 = require("./x")` at the top, `x_1.name` at every use.
 * In the bundle each such require waits for its first use. A command then loads the class `Command` and what it
 * touches; the help, the plugin loader and the rest stay unread. (Everything at once costs 100 ms, this 1.) Without
 * `whole` they are left out: our commands are constructed and parsed by src/cli.
 */
export function lazyOclif({ whole = false } = {}) {
  return {
    name: 'lazy-oclif',
    setup(build) {
      build.onResolve({ filter: leftOut }, ({ path, importer }) => {
        return whole || !importer.includes('@oclif/core/lib/') ? undefined : { path, namespace: 'left-out' }
      })
      build.onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => {
        const message = `@oclif/core: ${path} is not part of the bundle (scripts/build/lazy-oclif.mjs)`
        return { contents: `module.exports = new Proxy({}, { get() { throw new Error(${JSON.stringify(message)}) } })` }
      })
      build.onLoad({ filter: /@oclif\/core\/lib\/.*\.js$/ }, async ({ path }) => {
        return { contents: transform(await readFile(path, 'utf8'), path), loader: 'js' }
      })
    },
  }
}

const leftOut =
  /^(?:(?:\.{1,2}\/)+(?:config|parser|help|ux|util\/aggregate-flags|util\/ids|handle|screen)(?:\/.*)?|debug|clean-stack|wrap-ansi|indent-string)$/
const importLine =
  /^const (\w+_\d+|Errors|Parser) = ((?:__importDefault|__importStar)\(require\("[^"]+"\)\)|require\("[^"]+"\));$/gm

function transform(source, path) {
  const names = []
  let text = source.replace(importLine, (_line, name, expression) => {
    names.push(name)
    return `let $${name};function $get_${name}(){return $${name}??=${expression}}`
  })
  for (const name of names) text = text.replace(new RegExp(`(?<![$\\w.])${name}\\b`, 'g'), `($get_${name}())`)
  if (path.endsWith('/lib/command.js')) text = withoutStdout(text)
  if (path.endsWith('/lib/cache.js')) text = withoutPackageFile(text)
  return text
}

/** Touching process.stdout makes a pipe non-blocking, for good, and costs a millisecond. We write by file descriptor. */
function withoutStdout(text) {
  return mustReplace(text, /^process\.stdout\.on\('error'[\s\S]*?^\}\);$/m, '')
}

/** Only its version is read, for messages. */
function withoutPackageFile(text) {
  return mustReplace(text, "require('@oclif/core/package.json').version", "'4'")
}

function mustReplace(text, pattern, replacement) {
  const result = text.replace(pattern, replacement)
  if (result === text) throw new Error(`@oclif/core has changed: ${pattern} is not there`)
  return result
}
