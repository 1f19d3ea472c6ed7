import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { lazyOclif } from './lazy-oclif.mjs'

/** What is read only by who uses it. `web-streams-polyfill` stands for something that Node has. */
const packages = ['execa', 'ora', 'smol-toml', 'yaml']

/** Whether an import of that name is one of them. */
export const isVendor = (name) => packages.includes(name)

const fileOf = (name) => `${name.replace(/^@/, '').replaceAll('/', '-')}.cjs`

/** What the launcher in bin/ asks `require` for to have it. */
export const vendorFile = (name) => `../dist/vendor/${fileOf(name)}`

/** For one script with everything in it: a `require` of the file. */
export function vendors() {
  return {
    name: 'vendors',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^(?:${packages.join('|')})$`) }, ({ path, resolveDir }) => {
        if (resolveDir.includes('node_modules')) return undefined
        return { path: vendorFile(path), external: true }
      })
    },
  }
}

/**
 * One CommonJS file for each. A default export becomes the module itself with the named ones as its properties, which
 * is what an `import` of CommonJS makes of it again.
 */
export async function buildVendors(dist, shared) {
  const folder = join(dist, 'vendor')
  rmSync(folder, { recursive: true, force: true })
  await Promise.all(
    packages.map((name) =>
      build({
        ...shared,
        stdin: {
          contents: `const all = require('${name}'); module.exports = typeof all.default === 'function' ? Object.assign(all.default, all) : all`,
          resolveDir: shared.absWorkingDir,
          sourcefile: `${fileOf(name)}`,
        },
        outfile: join(folder, fileOf(name)),
        format: 'cjs',
        minify: true,
        banner: { js: 'var __url="file://"+encodeURI(__filename).replace(/[?#]/g,encodeURIComponent);' },
        define: { 'import.meta.url': '__url' },
        plugins: [lazyOclif({ whole: true })],
        external: ['typescript', 'ts-node', 'tsx', 'web-streams-polyfill'],
      }),
    ),
  )
}
