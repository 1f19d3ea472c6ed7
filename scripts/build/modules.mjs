import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { build, transform } from 'esbuild'
import { lazyOclif } from './lazy-oclif.mjs'
import { isVendor, vendorFile } from './vendors.mjs'

/**
 * Every module that `entries` (paths below `root`) reach, each with a number, its index here. `code` is that of a method
 * with the parameter `exports`, in which an import is a call, `$i(number)`, at each use: a module is
 * evaluated when something of it is used for the first time, and until then V8 has seen one function of it. Modules have
 * no effects of their own and no cycles, so nothing else changes. What Node has, or a file of its own, is `external`.
 */
export async function collectModules(root, entries, options) {
  const modules = []
  const numbers = new Map()
  const numberOf = (name) => {
    if (!numbers.has(name)) numbers.set(name, modules.push({ name }) - 1)
    return numbers.get(name)
  }
  for (const entry of entries) numberOf(entry)
  for (const module of modules) {
    if (module.name === oclif) module.code = await oclifModule(root, options)
    else if (module.name.startsWith('node:')) module.external = module.name
    else if (isVendor(module.name)) module.external = vendorFile(module.name)
    else module.code = await ownModule(root, module.name, numberOf, options)
  }
  return { modules, numberOf }
}

async function ownModule(root, name, numberOf, { target, charset, minify }) {
  const { code } = await transform(await readFile(join(root, name), 'utf8'), {
    loader: 'ts',
    format: 'cjs',
    target,
    charset,
    sourcefile: name,
    define,
    supported: { 'dynamic-import': false },
  })
  const imported = (specifier) => {
    if (specifier.startsWith('.')) return `$i(${numberOf(pathOf(root, name, specifier))})`
    if (specifier.startsWith(`${oclif}/`)) return `$i(${numberOf(oclif)}).${specifier.slice(oclif.length + 1)}()`
    if (specifier.startsWith('node:') || isVendor(specifier)) return `$i(${numberOf(specifier)})`
    throw new Error(`${name} imports ${specifier}, for which scripts/build/modules.mjs has no place`)
  }
  return asMethod(withCalls(code, name, imported), { target, charset, minify })
}

const oclif = '@oclif/core'
const define = {
  'import.meta.url': '__url',
  'import.meta.dirname': '__dirname',
  'import.meta.filename': '__filename',
}

function pathOf(root, importer, specifier) {
  const path = relative(root, join(root, dirname(importer), specifier)).replace(/\.js$/, '.ts')
  if (!existsSync(join(root, path))) throw new Error(`${importer} imports ${specifier}, which does not exist`)
  return path
}

/**
 * From what esbuild makes of a module (its helpers, getters for the exports, a `require` for each import, the code) to
 * code in which every use of an import is `(imported(specifier))`, so that `new` finds the class, and the exports are
 * plain properties.
 */
function withCalls(code, name, imported) {
  const table = exportTable.exec(code)
  if (table === null) throw new Error(`${name} exports nothing, or esbuild writes modules in a way unknown here`)
  const exports = table[1].split(',\n').map((line) => {
    const [, key, value] = /^\s*([\w$]+): \(\) => ([\w$.]+)$/.exec(line) ?? []
    if (key === undefined) throw new Error(`${name}: the export ${line.trim()} is not understood`)
    return `exports.${key} = ${value};`
  })
  const helpers = code.slice(0, table.index).split(/^(?=var __)/m)
  const needed = helpers.filter((helper) => !dispensable.has(/^var (\w+)/.exec(helper)?.[1]))
  const lines = code.slice(table.index + table[0].length).split('\n')
  const imports = new Map(lines.flatMap((line) => [importLine.exec(line)?.slice(1) ?? []]).filter(([one]) => one))
  const body = [...lines.filter((line) => !importLine.test(line)), ...exports]
    .join('\n')
    .replace(/__toESM\(require\("([^"]+)"\)\)/g, (_call, specifier) => imported(specifier))
    .replace(/(?<![\w$]|(?<!\.\.)\.)[A-Za-z_]\w*/g, (word) =>
      imports.has(word) ? `(${imported(imports.get(word))})` : word,
    )
  if (/\$i\b/.test(code)) throw new Error(`${name}: $i is the build's own name`)
  const left = /\brequire\(|\b__toESM\b|\b__reExport\b|\bmodule\.exports\b/.exec(body)
  if (left !== null) throw new Error(`${name}: "${left[0]}" was left in it by scripts/build/modules.mjs`)
  for (const [variable, specifier] of imports)
    if (specifier.startsWith('node:') && code.includes(`${variable}.default`))
      throw new Error(`${name}: import what ${specifier} has by name`)
  return `${needed.join('')}${body}`
}

const exportTable =
  /^var \w+_exports = \{\};\n__export\(\w+_exports, \{\n([\s\S]*?)\n\}\);\nmodule\.exports = __toCommonJS\(\w+_exports\);\n/m
const importLine = /^var (\w+) = (?:__toESM\()?require\("([^"]+)"\)\)?;$/
/** Those of esbuild's helpers that code without getters has no use for. */
const dispensable = new Set([
  ...['__create', '__defProp', '__getOwnPropDesc', '__getOwnPropNames', '__getProtoOf', '__hasOwnProp'],
  ...['__export', '__copyProps', '__toESM', '__toCommonJS'],
])

async function oclifModule(root, { target, charset, minify, shared }) {
  const names = ['args', 'command', 'flags']
  const { outputFiles } = await build({
    ...shared,
    stdin: {
      contents: names.map((name) => `export const ${name} = () => require('${oclif}/${name}')`).join('\n'),
      resolveDir: root,
    },
    write: false,
    format: 'cjs',
    plugins: [lazyOclif()],
    external: ['typescript', 'ts-node', 'tsx'],
  })
  const body = `const module = {};${outputFiles[0].text};Object.assign(exports, module.exports)`
  return asMethod(body, { target, charset, minify })
}

/** Its parameters and its body, with short names for what it has within. */
async function asMethod(body, options) {
  const { code } = await transform(`__methods({m(exports){${body}\n}})`, options)
  const [, method] = /^__methods\(\{\s*m(\([\s\S]*\})\s*\}\);?\s*$/.exec(code) ?? []
  if (method === undefined) throw new Error('esbuild made something else than a method of a method')
  return method
}
