import { createHash } from 'node:crypto'
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { collectModules } from './modules.mjs'

/**
 * The scripts and what is in them: a module goes into the first that has the beginning of its name. A script is read whole by
 * the first who asks for a module of it, which costs by its size. So the first one has what nearly every command evaluates,
 * and the others what is used together. A module in the wrong one costs time, nothing else.
 */
const scripts = {
  tspod: [
    ...['@oclif/core', 'src/base/', 'src/state/', 'src/index.ts', 'src/cli/output/', 'src/cli/flags/define.ts'],
    ...below(
      'src/cli',
      'main argv base-command exit-status families help in-order parse-command-line pflag system-views',
    ),
    ...below('src/cli', 'images/rows containers/rows containers/missing'),
    ...below(
      'src/engine',
      'engine open volumes artifacts/index builds/index containers/index images/index manifests/index',
    ),
    ...below('src/engine', 'registries/index system/index systemd/index volumes/index system/version events/write'),
    ...below('src/engine/containers', 'donors filters freezer inspect observe query store sweep'),
    ...below('src/engine/images', 'catalog filters layers lookup names query record'),
    ...below('src', 'config/containers-conf container/record image/reference'),
    ...below('src/storage', 'image-index images layers'),
    ...below('rootless', 'id-map ladder root-caller subid'),
    ...below('commands', 'images inspect ps version'),
  ],
  images: [
    ...below('commands', 'history import load login logout pull push rmi save search tag untag'),
    ...['commands/artifact/', 'commands/image/', 'commands/manifest/', 'src/cli/images/', 'src/image/', 'src/config/'],
    ...['src/engine/artifacts/', 'src/engine/images/', 'src/engine/manifests/', 'src/engine/registries/'],
  ],
  system: [
    ...['commands/generate/', 'commands/quadlet/', 'commands/system/', 'src/systemd/', 'src/cli/completion/'],
    ...['src/engine/system/', 'src/engine/systemd/'],
    ...below('src/cli', 'disk-usage generate-systemd quadlets'),
    ...below('src/engine', 'builds/cache-mount builds/step-store builds/usage'),
    ...below('commands', '__complete __quadlet completion doctor info'),
  ],
  build: [
    ...['commands/build', 'src/build/', 'src/cli/build/', 'src/cli/flags/build', 'src/cli/parse/build'],
    'src/engine/builds/',
  ],
  containers: [''],
}

function below(folder, names) {
  return names.split(' ').map((name) => `${folder}/${name}.ts`)
}

/** Writes dist/NAME.cjs for each of the scripts: an expression for vm.Script, a function that bin/tspod.cjs calls. */
export async function bundleProgram({ root, dist, shared, files, idOf, aliases, version, minify }) {
  const main = 'src/cli/main.ts'
  const paths = files.map((path) => path.slice(root.length + 1))
  const { target, charset } = shared
  const { modules, numberOf } = await collectModules(root, [main, ...paths], { target, charset, minify, shared })
  const names = Object.keys(scripts)
  const homeOf = ({ name }) => names.findIndex((script) => scripts[script].some((start) => name.startsWith(start)))
  const program = {
    main: numberOf(main),
    homes: modules.map((module) => module.external ?? homeOf(module)),
    scripts: names,
    commands: Object.fromEntries(files.map((path, index) => [idOf(path), numberOf(paths[index])])),
    aliases: Object.fromEntries(aliases),
    version,
  }
  const bodies = names.map((name, home) => {
    const methods = modules.flatMap((module, number) =>
      program.homes[number] === home ? [`${number}${module.code}`] : [],
    )
    const table = home === 0 ? `program:${JSON.stringify(program)},` : ''
    return `(function($i,require,__filename,__dirname,__url){"use strict";return{${table}modules:{\n${methods.join(',\n')}}}})`
  })
  const hash = createHash('sha256').update(bodies.join('')).digest('hex').slice(0, 16)
  for (const [index, name] of names.entries()) {
    const path = join(dist, `${name}.cjs`)
    writeFileSync(`${path}.tmp`, `/*${hash}*/${bodies[index]}`)
    renameSync(`${path}.tmp`, path)
  }
  for (const name of readdirSync(dist))
    if (name.endsWith('.cjs') && !names.includes(name.slice(0, -4))) rmSync(join(dist, name))
}
