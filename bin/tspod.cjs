'use strict'
/*
 * `tspod` in Node, started by native/front.c. The program is modules with numbers, in a few scripts (scripts/build/program.mjs);
 * a script is read when one of its modules is asked for. Each is loaded with V8's code cache, and leaves one behind when
 * there was none: compiling is most of what starting costs. A cache is one command's (the functions it used), and is found
 * by the scripts' content hash, Node's version, the architecture and that command. Losing one, or not being able to write
 * it, only costs time.
 */
const fs = require('fs')
const path = require('path')
const vm = require('vm')

const dist = path.join(__dirname, '..', 'dist')

function readSource(filename) {
  try {
    // It is ASCII: esbuild escapes the rest.
    return fs.readFileSync(filename, 'latin1')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    fs.writeSync(2, `Error: ${filename} is missing: run "npm run build" first\n`)
    process.exit(125)
  }
}

/** The first words of the command line that could name a command; a wrong guess costs time, nothing else. */
function guessCommand(argv) {
  const words = []
  for (let i = 2; i < argv.length && words.length < 3; i++) {
    if (argv[i] === '--help' && i === argv.length - 1) return ['help']
    if (/^[a-z_][a-z-_]{0,30}$/.test(argv[i])) words.push(argv[i])
    else if (words.length > 0) break
    else if (argv[i].startsWith('-') && argv[i].startsWith('--') && !argv[i].includes('=')) i++
  }
  return words
}

/** TSPOD_CODE_CACHE: a folder to use instead, or `off`. */
function cacheFolders() {
  const chosen = process.env.TSPOD_CODE_CACHE
  if (chosen) return chosen === 'off' ? [] : [chosen]
  const home = process.env.XDG_CACHE_HOME || (process.env.HOME && path.join(process.env.HOME, '.cache'))
  const folders = [path.join(dist, 'cache')]
  if (home && path.isAbsolute(home)) folders.push(path.join(home, 'tspod', 'code'))
  return folders
}

/** A cache is trusted only in a folder nobody else may write: it is code. */
function readCache(folder, name) {
  let fd
  try {
    fd = fs.openSync(path.join(folder, name), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW)
    const { uid, mode, size } = fs.fstatSync(fd)
    const owners = [0, process.getuid(), bundleOwner]
    if (!owners.includes(uid) || mode & 0o022) return undefined
    const data = Buffer.allocUnsafeSlow(size)
    return fs.readSync(fd, data, 0, size, 0) === size ? data : undefined
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

function writeCache(name, data) {
  for (const folder of cacheFolders()) {
    const temporary = path.join(folder, `.${name}.${process.pid}`)
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o755 })
      removeOthers(folder, name)
      fs.writeFileSync(temporary, data, { mode: 0o644, flag: 'wx' })
      fs.renameSync(temporary, path.join(folder, name))
      return
    } catch {
      // Not writable, or full: the next folder, or none.
      try {
        fs.unlinkSync(temporary)
      } catch {}
    }
  }
}

/** Caches of earlier builds. */
function removeOthers(folder, name) {
  const [hash] = name.split('-', 1)
  for (const entry of fs.readdirSync(folder)) {
    if (/^\.?[0-9a-f]{16}-/.test(entry) && !entry.includes(hash)) fs.unlinkSync(path.join(folder, entry))
  }
}

/** Where the command's caches are, or would be. The first script has one wherever the others have. */
let cacheFolder
let cachedFor
const loaded = []

const cacheName = (command, part) => `${hash}-${process.version}-${process.arch}-${command}.${part}`

// Runs dist/NAME.cjs. The build wrote the hash of all scripts into its first bytes: `/*0123456789abcdef*/`.
function load(name) {
  const filename = path.join(dist, `${name}.cjs`)
  const source = readSource(filename)
  hash ??= source.slice(2, 18)
  if (source.slice(2, 18) !== hash) throw new Error('tspod was replaced by another version meanwhile: try again')
  bundleOwner ??= fs.statSync(filename).uid
  let cachedData
  for (const folder of cacheFolder === undefined ? cacheFolders() : [cacheFolder]) {
    for (const candidate of cachedFor === undefined ? candidates : [cachedFor]) {
      cachedData = readCache(folder, cacheName(candidate, name))
      if (cachedData === undefined) continue
      cacheFolder = folder
      cachedFor = candidate
      break
    }
    if (cachedData) break
  }
  const script = new vm.Script(source, { filename, cachedData })
  loaded.push({ script, name, missed: !cachedData || script.cachedDataRejected })
  const url = `file://${encodeURI(filename).replace(/[?#]/g, encodeURIComponent)}`
  return script.runInThisContext()(importModule, require, filename, dist, url)
}

/** A module by its number; it is evaluated when it is asked for. */
function importModule(number) {
  return modules[number] ?? evaluate(number)
}

function evaluate(number) {
  const home = program.homes[number]
  if (typeof home === 'string') return (modules[number] = require(home))
  const code = (tables[home] ??= load(program.scripts[home]).modules)
  const exports = (modules[number] = {})
  code[number](exports)
  return exports
}

const words = guessCommand(process.argv)
const candidates = words.map((_word, index) => words.slice(0, words.length - index).join(':'))
let hash
let bundleOwner
const start = load('tspod')
const { program } = start
const tables = [start.modules]
const modules = []

/**
 * Called with what the command line turned out to say, before the process ends or becomes another program. A command
 * that failed or did something rare has not used the code that it mostly uses: only a folder of one's own keeps that.
 */
function done(name, unusual) {
  if (!candidates.includes(name) || (unusual && !process.env.TSPOD_CODE_CACHE)) return
  if (cachedFor === name && !loaded.some(({ missed }) => missed)) return
  for (const { script, name: part } of loaded) writeCache(cacheName(name, part), script.createCachedData())
}

const { commands, aliases, version, main } = program
const commandClass = (id) => importModule(commands[id]).default
importModule(main).main(process.argv.slice(2), { commands, commandClass, aliases, version, done })
