import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { build, transform } from 'esbuild'
import { lazyOclif } from './lazy-oclif.mjs'
import { isVendor, vendors } from './vendors.mjs'

/**
 * What commands import dynamically on their usual way: everything else that is imported so is in dist/rest.cjs, which
 * is read when it is asked for. A function that V8 has seen costs every start a little, used or not.
 */
const usual = [
  'rootless/id-map.ts',
  'rootless/ladder.ts',
  'src/cli/help.ts',
  'src/config/containers-conf.ts',
  'src/engine/containers/create.ts',
  'src/engine/containers/exec.ts',
  'src/engine/containers/kept-start.ts',
  'src/engine/containers/inspect.ts',
  'src/engine/containers/lifecycle.ts',
  'src/engine/containers/logs.ts',
  'src/engine/containers/query.ts',
  'src/engine/containers/remove.ts',
  'src/engine/containers/run.ts',
  'src/engine/containers/stop.ts',
  'src/engine/containers/sweep.ts',
  'src/engine/images/resolve.ts',
  'src/engine/images/query.ts',
  'src/engine/open.ts',
  'src/engine/system/version.ts',
  'src/engine/volumes.ts',
  'src/index.ts',
]
const usualCommands = [
  'create',
  'exec',
  'images',
  'inspect',
  'kill',
  'logs',
  'ps',
  'restart',
  'rm',
  'run',
  'start',
  'stop',
  'version',
  'wait',
]

/**
 * Two scripts from one build, so that they share their modules: dist/tspod.cjs starts and has the usual commands,
 * dist/rest.cjs has the others and what they alone need.
 */
export async function bundleProgram({ root, dist, shared, files, idOf, aliases, version, minify }) {
  const outdir = mkdtempSync(join(dist, '.program-'))
  const isUsual = (path) => usualCommands.includes(idOf(path))
  const rare = new Set()
  try {
    const options = { root, outdir, shared, rare, minify }
    // Again and again: a pass finds which modules are imported dynamically, and they may import more.
    for (let known = -1; known < rare.size;) {
      known = rare.size
      rmSync(outdir, { recursive: true })
      mkdirSync(outdir)
      const entries = {
        start: startEntry(files, isUsual, idOf, aliases, version),
        rest: restEntry(files, [...rare].sort(), idOf),
      }
      const { metafile } = await bundlePair(entries, options)
      const start = Object.entries(metafile.outputs).find(([path]) => path.endsWith('/start.js'))?.[1]
      if (Object.keys(start?.inputs ?? {}).length !== 1) throw new Error('start must have nothing of its own')
    }
    await writeScripts(outdir, dist, { ...shared, minify })
  } finally {
    rmSync(outdir, { recursive: true })
  }
}

function startEntry(files, isUsual, idOf, aliases, version) {
  const rows = files.map((path) => {
    const load = isUsual(path)
      ? `require(${JSON.stringify(path)}).default`
      : `__rest().commands[${JSON.stringify(idOf(path))}]()`
    return `${JSON.stringify(idOf(path))}: () => ${load}`
  })
  return `
    const commands = { ${rows.join(',\n')} }
    const aliases = ${JSON.stringify(Object.fromEntries(aliases))}
    export const main = (argv, done) =>
      require('./src/cli/main.ts').main(argv, { commands, aliases, version: ${JSON.stringify(version)}, done })
  `
}

function restEntry(files, modules, idOf) {
  const table = (rows) => `{ ${rows.map(([key, load]) => `${JSON.stringify(key)}: () => ${load}`).join(',\n')} }`
  return `
    export const commands = ${table(files.map((path) => [idOf(path), `require(${JSON.stringify(path)}).default`]))}
    export const start = () => require('./src/cli/main.ts')
    export const modules = ${table(modules.map((path) => [path, `require(${JSON.stringify(`./${path}`)})`]))}
  `
}

function bundlePair(entries, { root, outdir, shared, rare, minify }) {
  const entryPlugin = {
    name: 'entries',
    setup(build) {
      build.onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice(6), namespace: 'entry' }))
      build.onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => ({ contents: entries[path], resolveDir: root }))
    },
  }
  return build({
    ...shared,
    entryPoints: Object.keys(entries).map((name) => ({ in: `entry:${name}`, out: name })),
    outdir,
    format: 'esm',
    splitting: true,
    metafile: true,
    minify,
    define: { 'import.meta.url': '__url', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    plugins: [entryPlugin, lazyImports(root, rare), vendors(), lazyOclif()],
    external: ['typescript', 'ts-node', 'tsx'],
  })
}

/**
 * In a module of ours everything is loaded when the module is run: Node's modules, which esbuild would otherwise put
 * at the top of the script, and what is imported dynamically, which it would put in scripts of its own.
 */
function lazyImports(root, rare) {
  return {
    name: 'lazy-imports',
    setup(build) {
      const { target, charset } = build.initialOptions
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path.includes('/node_modules/')) return undefined
        const options = { loader: 'ts', target, charset, sourcefile: path }
        const { code } = await transform(await readFile(path, 'utf8'), options)
        const dynamic = (specifier) => {
          if (!specifier.startsWith('.')) return `Promise.resolve().then(()=>require(${JSON.stringify(specifier)}))`
          const module = relative(root, join(dirname(path), specifier)).replace(/\.js$/, '.ts')
          if (!existsSync(join(root, module))) throw new Error(`${path} imports ${specifier}, which does not exist`)
          if (usual.includes(module)) return `Promise.resolve().then(()=>require(${JSON.stringify(specifier)}))`
          rare.add(module)
          return `Promise.resolve().then(()=>__rest().modules[${JSON.stringify(module)}]())`
        }
        const contents = code
          .replace(/^import \{([^}]*)\} from "([^"]+)";$/gm, (line, names, specifier) => {
            const known = specifier.startsWith('node:') || isVendor(specifier)
            const load = specifier.startsWith('node:') ? '__node' : 'require'
            return known ? `const {${names.replaceAll(' as ', ':')}}=${load}("${specifier}");` : line
          })
          .replace(/\bimport\("([^"]+)"\)/g, (_call, specifier) => dynamic(specifier))
        if (/^import .* from "node:/m.test(contents)) throw new Error(`${path}: import Node's modules by name`)
        return { contents, loader: 'ts' }
      })
    },
  }
}

/**
 * Each script is a function expression for vm.Script, and begins with the hash of both, which code caches are keyed by.
 * What both need (`rest` names everything that `start` does) is a third one for esbuild: it becomes a part of the first,
 * and the second is given what that exports.
 */
async function writeScripts(outdir, dist, { target, minify }) {
  const names = readdirSync(outdir).filter((name) => name.endsWith('.js'))
  const [chunk, ...more] = names.filter((name) => name !== 'start.js' && name !== 'rest.js')
  if (chunk === undefined || more.length > 0) throw new Error(`one shared script was expected, not ${names.join(', ')}`)
  const read = (name) => readFileSync(join(outdir, name), 'utf8')
  // Asking Node for a module that it has costs more than one would think.
  const url =
    'var __nodes={},__node=(name)=>__nodes[name]??=require(name);var __url="file://"+encodeURI(__filename).replace(/[?#]/g,encodeURIComponent);'
  const tspod = url + joined(read(chunk), read('start.js'))
  const options = { format: 'cjs', minify, platform: 'node', target, charset: 'ascii' }
  const { code } = await transform(read('rest.js'), options)
  const rest = `${url}((require)=>{${code}\n})((id)=>id===${JSON.stringify(`./${chunk}`)}?__shared:require(id))`
  const hash = createHash('sha256').update(tspod).update(rest).digest('hex').slice(0, 16)
  for (const [name, body] of Object.entries({ rest, tspod })) {
    const path = join(dist, `${name}.cjs`)
    writeFileSync(
      `${path}.tmp`,
      `/*${hash}*/(function(exports,require,module,__filename,__dirname,__rest,__shared){${body}})`,
    )
    renameSync(`${path}.tmp`, path)
  }
}

/**
 * The shared script with `start` in it, as a function of its own: its imports are functions and objects that are there
 * from the beginning. For `rest` there are getters, made when they are asked for.
 */
function joined(shared, start) {
  const [exports, exported] = namesIn(shared, /export\s*\{([^}]*)\};?\s*$/)
  const [imports, imported] = namesIn(start, /^import\s*\{([^}]*)\}\s*from\s*"[^"]+";/m)
  const inner = new Map(exported.map(([name, outer]) => [outer, name]))
  const getters = exported.map(([name, outer]) => `get ${outer}(){return ${name}}`)
  const names = imported.map(([, name]) => name)
  const values = imported.map(([outer]) => inner.get(outer))
  const [, main] = namesIn(start, /export\s*\{([^}]*)\};?\s*$/)
  const body = `${start.replace(imports, '').replace(/export\s*\{[^}]*\};?\s*$/, '')}exports.main=${main[0][0]}`
  return `${shared.replace(exports, '')}exports.shared=()=>({${getters.join(',')}});(function(${names.join(',')}){${body}})(${values.join(',')})`
}

function namesIn(text, pattern) {
  const match = pattern.exec(text)
  if (match === null) throw new Error(`${String(pattern)} is not in what esbuild wrote`)
  const pairs = match[1]
    .split(',')
    .map((item) => item.trim().split(' as '))
    .map(([first, second = first]) => [first, second])
  return [match[0], pairs]
}
