import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findQuadlets, quadletFolders, userFolder } from '../../../src/systemd/quadlet/folders.js'
import { loadQuadlet } from '../../../src/systemd/quadlet/load.js'
import { readerOf } from '../../../src/systemd/quadlet/source.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tspod-quadlets-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true })
  await writeFile(join(folder, name), text)
}

const label = (text: string): string => `[Container]\nLabel=${text}\n`

function find(...folders: readonly string[]): string[] {
  const { found } = findQuadlets(folders.map((name) => join(folder, name)))
  return found.map(({ path }) => path.slice(folder.length + 1))
}

/** The labels that a quadlet has with its drop-ins, in order. */
function labels(name: string, ...folders: readonly string[]): string {
  const { found, within } = findQuadlets((folders.length === 0 ? ['.'] : folders).map((each) => join(folder, each)))
  const one = found.find((each) => each.name === name)
  if (one === undefined) throw new Error(`${name} was not found`)
  return readerOf(loadQuadlet(one, within)).all('Label').join(' ')
}

describe('quadlets are looked for', () => {
  test('below their folders, but not among drop-ins, hidden files and other files', async () => {
    for (const name of ['a.container', 'sub/deep/b.pod', 'sub/c.kube', 'x.d/no.container', '.a.container', 'a.txt'])
      await write(name, '')
    await write('container', '')
    await write('dir.volume/inner.network', '')
    expect(find('.')).toEqual(['a.container', 'sub/deep/b.pod', 'sub/c.kube', 'dir.volume/inner.network'])
  })

  test('in the first folder first: a name counts once', async () => {
    for (const name of ['one/a.pod', 'two/a.pod', 'two/b.pod', 'one/z/a.pod']) await write(name, '')
    expect(find('one', 'two')).toEqual(['one/a.pod', 'two/b.pod'])
    expect(find('two', 'one')).toEqual(['two/a.pod', 'two/b.pod'])
    expect(find('none', 'one')).toEqual(['one/a.pod'])
  })

  test('behind links, once', async () => {
    await write('real/a.pod', '')
    await write('q/b.pod', '')
    await symlink('../real', join(folder, 'q', 'link'))
    await symlink('..', join(folder, 'q', 'up'))
    await symlink('.', join(folder, 'q', 'self'))
    expect(find('q')).toEqual(['real/a.pod', 'q/b.pod'])
  })

  test('and those that cannot be read are named, alone', async () => {
    await write('ok.pod', '')
    await symlink('nowhere', join(folder, 'a.pod'))
    await symlink('b.pod', join(folder, 'b.pod'))
    await symlink('/dev/zero', join(folder, 'c.pod'))
    const { found, errors } = findQuadlets([folder])
    expect(found.map(({ name }) => name)).toEqual(['ok.pod'])
    expect(errors.map(({ message }) => message.slice(folder.length + 1))).toEqual([
      'a.pod: it is a link to nothing',
      'b.pod: it is a link to itself',
    ])
  })

  test.each([
    [{ HOME: '/h' }, ['/h/.config/containers/systemd']],
    [{ HOME: '/h', XDG_RUNTIME_DIR: '/r', XDG_CONFIG_HOME: '/c' }, ['/r/containers/systemd', '/c/containers/systemd']],
  ])('for %j', (env, first) => {
    const last = ['/etc/containers/systemd/users/7', '/etc/containers/systemd/users']
    expect(quadletFolders(env, 7)).toEqual([...first, ...last])
    expect(userFolder(env)).toBe(first.at(-1))
  })

  test('only where QUADLET_UNIT_DIRS says', () => {
    expect(quadletFolders({ HOME: '/h', QUADLET_UNIT_DIRS: '/a:b:/c' }, 7)).toEqual(['/a', '/c'])
  })
})

describe('drop-ins', () => {
  test('of the name, its prefixes and its kind follow each other by their names', async () => {
    await write('a-b.container', label('own=1'))
    await write('a-b.container.d/30.conf', label('name=1'))
    await write('a-.container.d/20.conf', label('prefix=1'))
    await write('container.d/10.conf', label('kind=1'))
    await write('container.d/30.conf', label('hidden=1'))
    await write('a-b.container.d/40.txt', label('no=1'))
    await write('pod.d/05.conf', label('no=1'))
    expect(labels('a-b.container')).toBe('own=1 kind=1 prefix=1 name=1')
  })

  test('of a template are its instances’, too', async () => {
    await write('a-b@.container', label('own=1'))
    await symlink('a-b@.container', join(folder, 'a-b@x-y.container'))
    await write('a-b@.container.d/1.conf', label('template=1'))
    await write('a-b@x-y.container.d/2.conf', label('instance=1'))
    await write('a-@.container.d/3.conf', label('templates=1'))
    await write('a-.container.d/4.conf', label('prefix=1'))
    await write('a-b@x-.container.d/5.conf', label('no=1'))
    expect(labels('a-b@.container')).toBe('own=1 template=1 templates=1 prefix=1')
    expect(labels('a-b@x-y.container')).toBe('own=1 template=1 instance=1 templates=1 prefix=1')
  })

  test('are taken from all folders, the first first', async () => {
    await write('one/container.d/1.conf', label('one=1'))
    await write('two/a.container', label('own=1'))
    await write('two/a.container.d/1.conf', label('hidden=1'))
    await write('two/a.container.d/2.conf', label('two=1'))
    expect(labels('a.container', 'one', 'two')).toBe('own=1 one=1 two=1')
  })

  test('can empty what was there', async () => {
    await write('a.container', label('own=1'))
    await write('a.container.d/1.conf', '[Container]\nLabel=\nLabel=new=1\n')
    expect(labels('a.container')).toBe('new=1')
  })
})
