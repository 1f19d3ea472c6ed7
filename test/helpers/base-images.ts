import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hostFilesLayer, hostProgram } from './host-programs.js'
import { busyboxLayer } from './images.js'
import { mergeArchives } from './tar.js'
import type { TspodStore } from './tspod.js'

const run = promisify(execFile)
const path = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Makes one image of what the host has; false where the host lacks it. */
export type BaseImage = (store: TspodStore) => Promise<boolean>

/** What Dockerfiles of the tests are FROM, by the names that they use: all below `localhost/`. */
export const baseImages = {
  busybox: (store) => importBase(store, 'busybox', undefined),
  node: async (store) => importBase(store, 'node', await hostFilesLayer([process.execPath])),
  gcc: async (store) => importBase(store, 'gcc', await gccLayer()),
  python: async (store) => importBase(store, 'python', await pythonLayer()),
  debian: async (store) => importBase(store, 'debian', await debianLayer()),
} satisfies Readonly<Record<string, BaseImage>>

/** Busybox, and a layer above it. */
async function importBase(store: TspodStore, name: string, layer: Buffer | undefined | 'missing'): Promise<boolean> {
  if (layer === 'missing') return false
  const archive = join(store.folder, `${name}.tar`)
  const busybox = await busyboxLayer()
  await writeFile(archive, layer === undefined ? busybox : mergeArchives(busybox, layer))
  await store.ok(['import', '--change', path, '--change', 'CMD ["/bin/sh"]', archive, `localhost/${name}`])
  await rm(archive)
  return true
}

/** As much of gcc as compiles and links a small static program: what it reads on the host. */
async function gccLayer(): Promise<Buffer | 'missing'> {
  if ((await hostProgram('gcc')) === undefined) return 'missing'
  const folder = await mkdtemp(join(tmpdir(), 'tspod-test-'))
  try {
    const source = join(folder, 'a.c')
    await writeFile(source, '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint main(void){return 0;}\n')
    const headers = (await run('gcc', ['-M', '-O2', source])).stdout
      .split(/[\s\\]+/)
      .filter((word) => word.endsWith('.h'))
    const linked = await run('gcc', ['-static', '-Wl,-t', '-o', join(folder, 'a'), source])
    const objects = linked.stdout.split('\n').filter((line) => /^\/usr\/.*\.[oa]$/.test(line))
    const programs = await Promise.all(['cc1', 'collect2', 'as', 'ld'].map(gccProgram))
    const plugin = (await run('gcc', ['-print-file-name=liblto_plugin.so'])).stdout.trim()
    return await hostFilesLayer(['/usr/bin/gcc', plugin, ...programs, ...headers, ...objects])
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function gccProgram(name: string): Promise<string> {
  const found = (await run('gcc', [`-print-prog-name=${name}`])).stdout.trim()
  return found.startsWith('/') ? found : ((await hostProgram(found)) ?? found)
}

/** Python with the modules that it has loaded for making a virtual environment and reading JSON. */
async function pythonLayer(): Promise<Buffer | 'missing'> {
  if ((await hostProgram('python3')) === undefined) return 'missing'
  const script = `
import encodings.utf_8, encodings.ascii, encodings.latin_1, importlib.machinery, argparse, json, os, runpy, site, sys, sysconfig, venv
sysconfig.get_config_vars()
files = {m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)}
for folder, _, names in os.walk(os.path.dirname(venv.__file__)): files.update(os.path.join(folder, n) for n in names)
files.update({os.path.realpath(sys.executable), '/usr/bin/python3'})
print('\\n'.join(sorted(f for f in files if f.startswith('/usr/'))))`
  const { stdout } = await run('/usr/bin/python3', ['-I', '-c', script]).catch(() => ({ stdout: '' }))
  const files = stdout.split('\n').filter((line) => line !== '')
  return files.length === 0 ? 'missing' : hostFilesLayer(files)
}

/** dpkg and apt, with empty records: a Debian in which no package is installed. */
async function debianLayer(): Promise<Buffer | 'missing'> {
  const names = [
    'apt-get',
    'apt-cache',
    'apt-config',
    'dpkg',
    'dpkg-deb',
    'dpkg-split',
    'dpkg-query',
    'tar',
    'ldconfig',
  ]
  const methods = ['copy', 'file', 'store', 'gpgv'].map((name) => `/usr/lib/apt/methods/${name}`)
  const files = await Promise.all([...names, 'start-stop-daemon', 'rm', 'diff', ...methods].map(hostProgram))
  const found = files.filter((file) => file !== undefined)
  if (found.length < files.length) return 'missing'
  const tables = ['cputable', 'ostable', 'tupletable', 'abitable'].map((name) => `/usr/share/dpkg/${name}`)
  const records = ['var/lib/dpkg/status', 'var/lib/dpkg/available', 'var/lib/dpkg/diversions']
  return hostFilesLayer(
    [...found, ...tables],
    [
      ...records.map((record) => ({ path: record, content: '' })),
      { path: 'etc/apt/apt.conf.d/99test', content: 'APT::Sandbox::User "root";\nAPT::Architecture "all";\n' },
    ],
    [
      'var/lib/dpkg/info',
      'var/lib/dpkg/updates',
      'var/lib/dpkg/triggers',
      'var/lib/apt/lists/partial',
      'var/cache/apt/archives/partial',
      'etc/apt/preferences.d',
      'etc/apt/sources.list.d',
      'etc/apt/trusted.gpg.d',
      'var/log/apt',
      'usr/lib/apt/solvers',
    ].map((folder) => `/${folder}`),
  )
}

/** A repository for apt with one package, `greeter`, that has /usr/bin/greet; made with the host's dpkg-deb. */
export async function aptRepository(folder: string): Promise<void> {
  const tree = join(folder, '.tree')
  await mkdir(join(tree, 'DEBIAN'), { recursive: true })
  await mkdir(join(tree, 'usr', 'bin'), { recursive: true })
  const control =
    'Package: greeter\nVersion: 1.0\nArchitecture: all\nMaintainer: Test <test@example.org>\nDescription: greets\n'
  await writeFile(join(tree, 'DEBIAN', 'control'), control)
  await writeFile(join(tree, 'usr', 'bin', 'greet'), '#!/bin/sh\necho "hello from a package"\n', { mode: 0o755 })
  await run('dpkg-deb', ['--root-owner-group', '-b', tree, join(folder, 'greeter.deb')])
  await rm(tree, { recursive: true })
  const content = await readFile(join(folder, 'greeter.deb'))
  const sum = createHash('sha256').update(content).digest('hex')
  const more = `Filename: ./greeter.deb\nSize: ${String(content.length)}\nSHA256: ${sum}\n`
  await writeFile(join(folder, 'Packages'), `${control}${more}\n`)
}
