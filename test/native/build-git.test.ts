import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkoutGit, openGit, resolveGit } from '../../src/build/context/git.js'
import { parseGitReference, type GitReference } from '../../src/build/context/git-reference.js'
import { startGitServer, type GitServer } from '../helpers/git-server.js'

let folder: string
let server: GitServer
let tools: Parameters<typeof checkoutGit>[2]
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tspod-git-'))
  mkdirSync(join(folder, 'repositories'))
  mkdirSync(join(folder, 'tmp'))
  server = await startGitServer(join(folder, 'repositories'))
  tools = {
    tmp: join(folder, 'tmp'),
    env: { ...process.env, HOME: folder },
    remove: (path) => Promise.resolve(rmSync(path, { recursive: true, force: true })),
  }
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** `{smart}/app.git#main` with the server's address. */
function reference(text: string): GitReference {
  const found = parseGitReference(text.replace(/^(smart|dumb)/, (way) => `${server.url}/${way}`))
  if (found === undefined) throw new Error(`${text} is no repository`)
  return found
}

/** Names and contents of what a reference gives. */
async function files(text: string, options = {}): Promise<Record<string, string>> {
  const checkout = await checkoutGit(reference(text), options, tools)
  try {
    const paths = readdirSync(checkout.folder, { recursive: true, withFileTypes: true })
    return Object.fromEntries(
      paths
        .filter((entry) => entry.isFile() && !`${entry.parentPath}/`.includes('/.git/'))
        .map((entry) => {
          const path = join(entry.parentPath, entry.name)
          return [path.slice(checkout.folder.length + 1), readFileSync(path, 'utf8')]
        }),
    )
  } finally {
    await checkout.close()
    expect(readdirSync(tools.tmp)).toEqual([])
  }
}

function commit(name: string, content: Record<string, string>): string {
  for (const [path, text] of Object.entries(content)) {
    mkdirSync(join(server.tree(name), path, '..'), { recursive: true })
    writeFileSync(join(server.tree(name), path), text)
  }
  return server.publish(name)
}

/** Makes `app` with a submodule, as git itself would not for every URL. */
function submodule(url: string, object: string, path: string): void {
  commit('app', { a: '1', '.gitmodules': `[submodule "x"]\n\tpath = ${path}\n\turl = ${url}\n` })
  server.git('app', 'update-index', '--add', '--cacheinfo', `160000,${object},${path}`)
  server.git('app', 'commit', '-qm', 'module')
  server.git('app', 'push', '-q', 'origin', 'HEAD:main')
}

describe.each(['smart', 'dumb'])('a repository (%s HTTP)', (way) => {
  let first: string
  let second: string
  beforeEach(() => {
    first = commit('app', { 'a.txt': 'one', 'sub/b.txt': 'b' })
    server.git('app', 'tag', '-a', 'v1', '-m', 'v1')
    second = commit('app', { 'a.txt': 'two' })
  })

  test('gives its files, of the commit that is meant', async () => {
    const two = { 'a.txt': 'two', 'sub/b.txt': 'b' }
    const one = { 'a.txt': 'one', 'sub/b.txt': 'b' }
    expect(await files(`${way}/app.git?branch=main`)).toEqual(two)
    expect(await files(`${way}/app.git?tag=v1`)).toEqual(one)
    expect(await files(`${way}/app.git#${first}`)).toEqual(one)
    expect(await files(`${way}/app.git#${first.slice(0, 8)}`)).toEqual(one)
    expect(await files(`${way}/app.git#v1:sub`)).toEqual({ 'b.txt': 'b' })
    expect(await files(`${way}/app.git?checksum=${second}`)).toEqual(two)
  })

  test('is known by its commit before it is fetched', async () => {
    const commits = ['', '#main', '#v1', `#${first}`, `#${first.slice(0, 9)}`].map((end) =>
      resolveGit(reference(`${way}/app.git${end}`), {}, tools),
    )
    expect(await Promise.all(commits)).toEqual([second, second, first, first, first])
    const source = await openGit(reference(`${way}/app.git#v1`), {}, tools)
    expect(source.commit).toBe(first)
    expect(readdirSync(tools.tmp)).toEqual([])
    expect(readFileSync(join(await source.folder(), 'a.txt'), 'utf8')).toBe('one')
    await source.close()
    expect(readdirSync(tools.tmp)).toEqual([])
  })

  test('of which something is missing is refused, and leaves nothing', async () => {
    const refused: [string, string][] = [
      ['#nothing', 'io'],
      ['#v1:nothing', 'invalid-argument'],
      ['#v1:a.txt', 'invalid-argument'],
      ['?checksum=deadbeef', 'digest-mismatch'],
    ]
    for (const [end, code] of refused) {
      await expect(files(`${way}/app.git${end}`)).rejects.toMatchObject({ code })
      expect(readdirSync(tools.tmp)).toEqual([])
    }
  })
})

describe('what comes with it', () => {
  test('.git goes unless it is to be kept, and has no password', async () => {
    commit('app', { a: '1' })
    const plain = await checkoutGit(reference('smart/app.git'), {}, tools)
    expect(readdirSync(plain.folder)).toEqual(['a'])
    await plain.close()
    const kept = await checkoutGit(reference(`http://me:secret@${server.url.slice(7)}/smart/app.git`), { keepGitDir: true }, tools) // prettier-ignore
    expect(readFileSync(join(kept.folder, '.git/config'), 'utf8')).toContain('origin')
    expect(readFileSync(join(kept.folder, '.git/config'), 'utf8')).not.toContain('secret')
    await kept.close()
  })

  test('files may have the commit’s time', async () => {
    commit('app', { 'sub/a': '1' })
    const time = Number(server.git('app', 'show', '-s', '--format=%ct'))
    const checkout = await checkoutGit(reference('smart/app.git?mtime=commit'), {}, tools)
    for (const name of ['sub/a', 'sub', '.']) expect(statSync(join(checkout.folder, name)).mtimeMs).toBe(time * 1000)
    await checkout.close()
  })

  test('submodules come along, unless they are not wanted', async () => {
    submodule(`${server.url}/smart/lib.git`, commit('lib', { l: 'lib' }), 'vendor/lib')
    expect(await files('smart/app.git')).toMatchObject({ a: '1', 'vendor/lib/l': 'lib' })
    expect(await files('smart/app.git?submodules=false')).not.toHaveProperty('vendor/lib/l')
    const checkout = await checkoutGit(reference('smart/app.git'), {}, tools)
    expect(existsSync(join(checkout.folder, 'vendor/lib/.git'))).toBe(false)
    await checkout.close()
  })
})

describe('a hostile repository', () => {
  test('cannot have a submodule that is a folder of the host', async () => {
    const object = commit('victim', { s: 'secret' })
    submodule(`${folder}/repositories/victim.git`, object, 'x')
    await expect(files('smart/app.git')).rejects.toThrow(/not allowed/)
  })

  test('cannot have a submodule that runs a program', async () => {
    submodule(`ext::sh -c touch% ${folder}/ran`, commit('lib', { l: 'lib' }), 'x')
    await expect(files('smart/app.git')).rejects.toThrow()
    expect(existsSync(join(folder, 'ran'))).toBe(false)
  })

  test('runs no hooks, not even the caller’s', async () => {
    mkdirSync(join(folder, 'hooks'))
    writeFileSync(join(folder, 'hooks/post-checkout'), `#!/bin/sh\ntouch ${folder}/ran\n`, { mode: 0o755 })
    writeFileSync(join(folder, '.gitconfig'), `[core]\n\thooksPath = ${folder}/hooks\n`)
    commit('app', { a: '1' })
    expect(await files('smart/app.git')).toEqual({ a: '1' })
    expect(existsSync(join(folder, 'ran'))).toBe(false)
  })

  test('is not the caller’s own, whatever their environment says', async () => {
    commit('app', { a: '1' })
    const env = { ...tools.env, GIT_DIR: join(folder, 'repositories/app.git'), GIT_WORK_TREE: '/', GIT_EXEC_PATH: '/tmp' }
    const checkout = await checkoutGit(reference('smart/app.git'), {}, { ...tools, env })
    expect(readdirSync(checkout.folder)).toEqual(['a'])
    await checkout.close()
  })

  test('has no folder that leads out of it', async () => {
    commit('app', { a: '1' })
    symlinkSync(folder, join(server.tree('app'), 'out'))
    symlinkSync('../../..', join(server.tree('app'), 'up'))
    server.publish('app')
    for (const end of ['#:out', '#:up', '#:out/tmp', '#:../../x']) {
      await expect(files(`smart/app.git${end}`)).rejects.toMatchObject({ code: 'invalid-argument' })
    }
  })

  test('that is missing is an error without questions', async () => {
    await expect(files('smart/nothing.git')).rejects.toThrow(/^git fetch: /)
  })
})
