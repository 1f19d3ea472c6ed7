import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { explain, program, tspodStore, type TspodStore } from '../helpers/tspod.js'

let store: TspodStore
let server: Server
let base: string
/** What the server has, by path. */
const served = new Map<string, { readonly body: string; readonly headers?: Record<string, string> }>()

beforeAll(async () => {
  store = await tspodStore()
  server = createServer((request, response) => {
    const found = served.get(request.url ?? '')
    response.writeHead(found === undefined ? 404 : 200, found?.headers).end(found?.body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
})
afterAll(async () => {
  server.close()
  await store[Symbol.asyncDispose]()
})

/** Where installed quadlets are. */
const installed = (...names: readonly string[]): string =>
  join(store.folder, 'home', '.config', 'containers', 'systemd', ...names)
const written = (...names: readonly string[]): string => join(store.folder, 'written', ...names)

beforeEach(async () => {
  for (const folder of [installed(), written()]) await rm(folder, { recursive: true, force: true })
  served.clear()
})

async function write(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return path
}

const web = '[Container]\nImage=localhost/web\n'
const install = (...argv: readonly string[]) => store.run(['quadlet', 'install', '--reload-systemd=false', ...argv])
const remove = (...argv: readonly string[]) => store.run(['quadlet', 'rm', '--reload-systemd=false', ...argv])
const names = async (): Promise<string[]> => (await readdir(installed())).sort()

async function installs(...argv: readonly string[]): Promise<string[]> {
  const result = await install(...argv)
  expect(result.status, explain(result)).toBe(0)
  return result.stdout.trimEnd().split('\n')
}

describe('quadlet install', () => {
  test('copies a file with its mode, and says where it went', async () => {
    const path = await write(written('web.container'), web)
    await chmod(path, 0o600)
    expect(await installs(path)).toEqual([installed('web.container')])
    expect(await readFile(installed('web.container'), 'utf8')).toBe(web)
    expect((await stat(installed('web.container'))).mode & 0o777).toBe(0o600)
    expect(await names()).toEqual(['web.container'])
  })

  test('takes other files along with a quadlet, which go with it', async () => {
    const paths = [
      await write(written('web.container'), web),
      await write(written('web.env'), 'A=B\n'.repeat(500_000)),
      await write(written('db.container'), web),
    ]
    await installs(...paths)
    expect((await stat(installed('web.env'))).size).toBe(2_000_000)
    expect(await readFile(installed('.web.container.asset'), 'utf8')).toBe('web.env\n')
    expect((await remove('web.container')).stdout).toBe('web.container\n')
    expect(await names()).toEqual(['db.container'])
  })

  test('takes a folder as an application, which goes together', async () => {
    await write(written('shop', 'a.container'), web)
    await write(written('shop', 'b.volume'), '')
    await write(written('shop', 'a.env'), '')
    await write(written('shop', 'a.container.d', 'x.conf'), '')
    await write(written('shop', '.other.app'), 'other.container\n')
    await write(written('other.container'), web)
    await installs(written('other.container'))
    const { stderr } = await install(written('shop') + '/')
    expect(stderr).toContain('a.container.d is not a file, and is left out')
    expect(stderr).toContain('.other.app is a list of what was installed, and is left out')
    expect((await readFile(installed('.shop.app'), 'utf8')).split('\n').sort()).toEqual([
      '',
      'a.container',
      'a.env',
      'b.volume',
    ])
    const list = ['quadlet', 'list', '--noheading', '--format', '{{.Name}} {{.App}}']
    expect(await store.ok(list)).toBe('a.container .shop.app\nb.volume .shop.app\nother.container')
    expect((await remove('b.volume')).stdout).toBe('a.container\nb.volume\n')
    expect(await names()).toEqual(['other.container'])
  })

  test('splits a .quadlets file, an application of its name', async () => {
    const text =
      '# FileName=web\n[Container]\nImage=i\nNetwork=back.network\n---\n\n---\n# FileName=back\n[Network]\n---\n#FileName=data.volume\n[Volume]\nLabel=a=b\n'
    await write(written('all.quadlets'), text)
    expect(await installs(written('all.quadlets'))).toEqual(
      ['web.container', 'back.network', 'data.volume'].map((name) => installed(name)),
    )
    expect(await readFile(installed('back.network'), 'utf8')).toBe('# FileName=back\n[Network]\n')
    expect((await remove('.all.app')).status).toBe(0)
    expect(await names()).toEqual([])
  })

  test('fetches URLs, by the name in them or in the answer', async () => {
    served.set('/q/web.container?x=1', { body: web })
    served.set('/download', {
      body: '[Volume]\n',
      headers: { 'content-disposition': 'attachment; filename="data.volume"' },
    })
    served.set('/moved', { body: '', headers: {} })
    expect(await installs(`${base}/q/web.container?x=1`, `${base}/download`)).toEqual([
      installed('web.container'),
      installed('data.volume'),
    ])
    expect(await readFile(installed('web.container'), 'utf8')).toBe(web)
  })

  test.each<[string, string, Record<string, string>?]>([
    ['/none.container', 'the server answered 404'],
    ['/page.container', 'page.container:1: "<html>" is neither a section'],
    ['/', '"" cannot be a file\'s name'],
    ['/.hidden.app', '".hidden.app" cannot be a file\'s name'],
    ['/dots', '"../../evil.container" cannot be a file\'s name'],
    ['/%2e%2e%2fup.container', '"../up.container" cannot be a file\'s name'],
    ['/long.container', 'long.container from 127.0.0.1'],
    ['/notes.txt', 'no quadlet among'],
  ])('of the URL %s is refused: %s', async (path, message) => {
    served.set('/page.container', { body: '<html>\n' })
    served.set('/', { body: web })
    served.set('/.hidden.app', { body: 'x\n' })
    served.set('/dots', {
      body: web,
      headers: { 'content-disposition': 'attachment; filename="../../evil.container"' },
    })
    served.set('/%2e%2e%2fup.container', { body: web })
    served.set('/long.container', { body: `${web}#${'x'.repeat(1 << 20)}\n` })
    served.set('/notes.txt', { body: 'x' })
    const result = await install(`${base}${path}`)
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain(message)
    expect(result.stdout).toBe('')
  })

  test.each([
    ['nothing.container', undefined, 'no such file'],
    ['notes.txt', 'x\n', 'no quadlet among'],
    ['bad.container', '[Container]\nnothing\n', 'bad.container:2: "nothing" is neither'],
    ['bad.container', '[Container]\nExec=a\0b\n', 'bad.container:2: there is a control character, U+0000'],
    ['x.quadlets', '[Container]\nImage=i\n', 'x.quadlets:1: the comment "# FileName=NAME" is missing'],
    ['x.quadlets', '# FileName=../a\n[Pod]\n', 'FileName=../a cannot be a file'],
    ['x.quadlets', '# FileName=a\n[Pod]\n---\n# FileName=b\n[Unit]\nA=b\n', 'x.quadlets:4: none of [Container]'],
    ['x.quadlets', '# FileName=a\n[Pod]\n---\n# FileName=a\n[Pod]\n', 'a.pod is in it twice'],
    ['x.quadlets', '\n---\n', 'there is no quadlet in it'],
  ])('refuses %s of %j, and installs nothing', async (name, text, message) => {
    const good = await write(written('good.container'), web)
    if (text !== undefined) await write(written(name), text)
    const result = await (name === 'notes.txt' ? install(written(name)) : install(good, written(name)))
    expect(result.status, explain(result)).toBe(125)
    expect(result.stderr).toContain(message)
    await expect(names()).rejects.toThrow('ENOENT')
  })

  test('replaces only when it is told to', async () => {
    const path = await write(written('web.container'), web)
    await installs(path)
    await writeFile(path, `${web}Exec=true\n`)
    const { status, stderr } = await install(path)
    expect(stderr).toContain(`${installed('web.container')} is there already: say --replace`)
    expect(status).toBe(125)
    await installs('-r', path)
    expect(await readFile(installed('web.container'), 'utf8')).toContain('Exec=true')
    expect(await names()).toEqual(['web.container'])
  })
})

describe('quadlet list', () => {
  beforeEach(async () => {
    await write(installed('a.container'), `${web}Pod=shop.pod\n`)
    await write(installed('b.container'), `${web}Bogus=1\n`)
    await write(installed('shop.pod'), '[Pod]\n')
    await write(installed('t@.container'), web)
    await write(installed('data.volume'), '')
  })

  const list = (...argv: readonly string[]) => store.ok(['quadlet', 'list', '--format', '{{.Name}}', ...argv])

  test('has their services, pods, and what is wrong', async () => {
    const rows = JSON.parse(await store.ok(['quadlet', 'ls', '--format', 'json'])) as Record<string, string>[]
    expect(rows.map(({ Name, UnitName, Pod }) => [Name, UnitName, Pod])).toEqual([
      ['a.container', 'a.service', 'shop.pod'],
      ['b.container', '', ''],
      ['data.volume', 'data-volume.service', ''],
      ['shop.pod', 'shop-pod.service', ''],
      ['t@.container', 't@.service', ''],
    ])
    expect(rows[1]?.['Status']).toBe(`${installed('b.container')}: unsupported key "Bogus" in [Container]`)
  })

  test.each([
    [['name=a*'], 'a.container'],
    [['name=*.container'], 'a.container\nb.container\nt@.container'],
    [['name=volume'], 'data.volume'],
    [['name=a*', 'name=shop.pod'], 'a.container\nshop.pod'],
    [['pod=shop'], 'a.container'],
    [['name=b*', 'pod=shop'], ''],
    [['status=unsupported key'], 'b.container'],
    [['status=Not loaded'], 'a.container\ndata.volume\nshop.pod\nt@.container'],
  ])('with the filters %j', async (filters, expected) => {
    expect(await list(...filters.flatMap((filter) => ['--filter', filter]))).toBe(expected)
  })

  test.each([['name'], ['label=x'], ['name=']])('refuses the filter %s', async (filter) => {
    const { status, stderr } = await store.run(['quadlet', 'list', '-f', filter])
    expect(stderr).toContain(`filter "${filter}": name, status or pod=PATTERN was expected`)
    expect(status).toBe(125)
  })
})

describe('quadlet print', () => {
  test('shows the file as it is', async () => {
    await write(installed('web.container'), `# mine\n${web}`)
    expect((await store.run(['quadlet', 'cat', 'web.container'])).stdout).toBe(`# mine\n${web}`)
    const { status, stderr } = await store.run(['quadlet', 'print', 'no.container'])
    expect(stderr).toContain('no quadlet "no.container" found')
    expect(status).toBe(125)
  })
})

describe('quadlet rm', () => {
  test('removes what is there, and tells of the others', async () => {
    for (const name of ['a.container', 'b.container']) await write(installed(name), web)
    const { status, stdout, stderr } = await remove('a.container', 'no.container', 'b.container')
    expect({ status, stdout }).toEqual({ status: 125, stdout: 'a.container\nb.container\n' })
    expect(stderr).toContain('no quadlet "no.container" found')
    expect(await remove('--ignore', 'a.container')).toMatchObject({ status: 0, stdout: '' })
  })

  test('removes all, whatever they are', async () => {
    await write(installed('a.container'), web)
    await write(installed('sub', 'b.volume'), '')
    await write(installed('broken.pod'), 'nonsense\n')
    await write(installed('kept.txt'), '')
    expect((await remove('--all')).stdout.split('\n').sort()).toEqual(['', 'a.container', 'b.volume', 'broken.pod'])
    expect(await names()).toEqual(['kept.txt', 'sub'])
  })

  test('finds what belongs together behind a link, too', async () => {
    for (const name of ['a.container', 'b.container']) await write(installed(name), web)
    await write(installed('.x.app'), 'a.container\nb.container\n')
    await symlink('home', join(store.folder, 'moved'))
    const env = { HOME: join(store.folder, 'moved') }
    const result = await store.run(['quadlet', 'rm', '--reload-systemd=false', 'a.container'], { env })
    expect(result).toMatchObject({ status: 0, stdout: 'a.container\nb.container\n' })
    expect(await names()).toEqual([])
  })

  test('of an application takes no more than its own files', async () => {
    await write(installed('a.container'), web)
    await write(installed('sub', 'b.container'), web)
    await write(written('up'), '')
    await write(installed('.x.app'), `a.container\nb.container\n../systemd/.x.app\n${written('up')}\n..\ngone.volume\n`)
    expect((await remove('a.container')).stdout).toBe('a.container\n')
    expect(await names()).toEqual(['sub'])
    expect(await readdir(installed('sub'))).toEqual(['b.container'])
    expect((await stat(written('up'))).isFile()).toBe(true)
  })

  test('wants names or --all', async () => {
    for (const argv of [[], ['--all', 'x.container']]) expect((await remove(...argv)).status).toBe(125)
  })
})

describe('tspod-user-generator', () => {
  const folder = (): string => written('units')
  const generate = (...argv: readonly string[]) =>
    spawnSync(`${program}-user-generator`, argv, {
      env: { ...store.env, QUADLET_UNIT_DIRS: folder() },
      encoding: 'utf8',
    })

  test('names each that is wrong, and makes the others', async () => {
    const wrong: readonly (readonly [name: string, text: string | Buffer, message: string])[] = [
      ['nul.container', `${web}Exec=\0\n`, ':3: there is a control character, U+0000'],
      ['escape.container', `${web}Exec=\x1b[31m\n`, ':3: there is a control character, U+001B'],
      ['latin.pod', Buffer.from([0x5b, 0xff, 0x5d]), ': it is not UTF-8'],
      ['long.container', `${web}Exec=${'x'.repeat(2 << 20)}\n`, ': it is longer than a megabyte'],
      ['quoted.container', `${web}Exec=${"'\"' ".repeat(250_000)}\n`, ': ExecStart= of its service would be longer'],
      ['keys.network', `[Network]\n${'Key=x\n'.repeat(100_000)}`, ': unsupported key "Key" in [Network]'],
      ['a b.container', web, ': "a b" cannot be the name of a service'],
      ['@.container', web, ': "@" cannot be the name of a service'],
      ['path.container', `${web}ServiceName=../../x\n`, ': "../../x" cannot be the name of a service'],
      ['self.container', `${web}Network=self.container\n`, ': it needs itself'],
      ['a.build', '[Build]\nImageTag=a\nFile=/f\nVolume=b.volume:/b\n', ': a.build, b.volume need each other'],
      ['b.volume', '[Volume]\nDriver=image\nImage=a.build\n', ': a.build, b.volume need each other'],
    ]
    await write(join(folder(), 'ok.container'), `${web}Label=${'x'.repeat(900_000)}\n`)
    await write(join(folder(), 'many.pod'), `[Pod]\n${'AddHost=a:1.2.3.4\n'.repeat(20_000)}`)
    for (const [name, text] of wrong) await writeFile(join(folder(), name), text)
    await chmod(await write(join(folder(), 'secret.container'), web), 0)
    await chmod(await write(join(folder(), 'drop.container.d', 'x.conf'), ''), 0)
    await write(join(folder(), 'drop.container'), web)
    await mkdir(join(folder(), 'closed'), { mode: 0 })
    await symlink('nowhere', join(folder(), 'dangling.kube'))
    execFileSync('mkfifo', [join(folder(), 'pipe.container')])
    const { status, stderr } = generate(written('made'))
    expect(status).not.toBe(0)
    const lines = stderr.trimEnd().split('\n')
    const expected = [
      ...wrong.map(([name, , message]) => name + message),
      'secret.container: you may not read it',
      'drop.container.d/x.conf: you may not read it',
      'closed: you may not read it',
      'dangling.kube: it is a link to nothing',
    ]
    for (const message of expected)
      expect(
        lines.filter((line) => line.startsWith(`Error: ${folder()}/${message}`)),
        message,
      ).toHaveLength(1)
    expect(lines).toHaveLength(expected.length)
    expect((await readdir(written('made'))).sort()).toEqual(['many-pod.service', 'ok.service'])
    await chmod(join(folder(), 'closed'), 0o700)
  })

  test('prints networks, pods and Kubernetes files, whose commands come later', async () => {
    await write(join(folder(), 'net.network'), '[Network]\nSubnet=10.9.0.0/24\n')
    await write(join(folder(), 'shop.pod'), '[Pod]\nNetwork=net.network\n')
    await write(join(folder(), 'web.container'), `${web}Pod=shop.pod\n`)
    await write(join(folder(), 'all.kube'), '[Kube]\nYaml=all.yaml\n')
    const { status, stdout, stderr } = generate('--dryrun')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const commands = [...stdout.matchAll(/^(?:---(.*)---|Exec(?:Start|StartPre)=\S+ (.*))$/gm)].map(
      ([, unit, command]) => unit ?? command,
    )
    expect(commands).toEqual([
      'all.service',
      `kube play --replace --service-container=true ${join(folder(), 'all.yaml')}`,
      'net-network.service',
      'network create --ignore --subnet 10.9.0.0/24 systemd-net',
      'shop-pod.service',
      'pod create --infra-conmon-pidfile=%t/%N.pid --pod-id-file=%t/%N.pod-id --exit-policy=stop --replace --network systemd-net --infra-name systemd-shop-infra --name systemd-shop',
      'pod start --pod-id-file=%t/%N.pod-id',
      'web.service',
      'run --name systemd-%N --cidfile=%t/%N.cid --replace --rm --cgroups=split --sdnotify=conmon -d --log-driver journald --pod-id-file %t/shop-pod.pod-id localhost/web',
    ])
    for (const command of [
      'kube play all.yaml',
      'network create systemd-net',
      'pod start p',
      'run --pod-id-file f i',
    ]) {
      const later = await store.run(command.split(' '))
      expect(later.stderr, command).toMatch(/^Error: .*later version.*\n$/)
      expect(later.status).toBe(125)
    }
  })
})

test('a link to a template is an instance, and goes without it', async () => {
  await write(installed('t@.container'), web)
  await symlink('t@.container', installed('t@1.container'))
  expect(await store.ok(['quadlet', 'list', '--format', '{{.UnitName}}'])).toBe('t@.service\nt@1.service')
  await remove('t@1.container')
  expect(await names()).toEqual(['t@.container'])
})
