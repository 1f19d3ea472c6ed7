import { describe, expect, test } from 'vitest'
import { convertAll } from '../../../src/systemd/quadlet/convert-all.js'
import { findLoops } from '../../../src/systemd/quadlet/loops.js'
import { command, converted, setting, source } from '../../helpers/quadlets.js'

const image = '[Container]\nImage=i\n'

function all(...quadlets: readonly (readonly [name: string, text: string])[]) {
  const sources = quadlets.map(([name, text]) => source(name, text))
  const { services, errors } = convertAll(sources, { tspod: '/t', exists: () => true })
  const text = (name: string): string => services.find((service) => service.name === name)?.text ?? ''
  return { text, names: services.map(({ name }) => name), errors: errors.map(({ message }) => message) }
}

describe('a pod and its containers', () => {
  const made = all(
    ['shop.pod', '[Pod]\n'],
    ['a.container', `${image}Pod=shop.pod\n`],
    ['b.container', `${image}Pod=shop.pod\nStartWithPod=false\n`],
    ['c.container', `${image}Pod=shop.pod\nServiceName=see\nStartWithPod=yes\n`],
    ['d.container', image],
    ['many@.container', `${image}Pod=shop.pod\n`],
    ['many@1.container', `${image}Pod=shop.pod\n`],
    ['wrong.container', `${image}Pod=shop.pod\nBogus=1\n`],
    ['lost.container', `${image}Pod=none.pod\n`],
    ['plain.container', `${image}Pod=shop\n`],
  )

  test('start together, as far as each can', () => {
    const lines = made.text('shop-pod.service').split('\n')
    const members = ['a', 'see', 'many@1'].flatMap((name) => [`Wants=${name}.service`, `Before=${name}.service`])
    expect(lines.filter((line) => /^(?:Wants|Before)=/.test(line)).slice(1)).toEqual(members)
  })

  test('end together, and are joined by the file with its ID', () => {
    for (const name of ['a', 'b', 'see', 'many@', 'many@1']) {
      const text = made.text(`${name}.service`)
      expect(text).toContain('BindsTo=shop-pod.service\nAfter=shop-pod.service\n')
      expect(text).toContain(' --pod-id-file %t/shop-pod.pod-id i\n')
    }
    expect(made.text('d.service')).not.toMatch(/shop|--pod/)
  })

  test('are refused one by one', () => {
    expect(made.errors).toEqual([
      '/q/wrong.container: unsupported key "Bogus" in [Container]',
      '/q/lost.container: it refers to none.pod, and there is no such quadlet',
      '/q/plain.container: Pod=shop is not the name of a .pod file',
    ])
  })
})

describe('quadlets that need each other', () => {
  test('are refused, each by name, and the others are not', () => {
    const made = all(
      ['a.build', '[Build]\nImageTag=a\nFile=/x/f\nVolume=v.volume:/v\n'],
      ['v.volume', '[Volume]\nDriver=image\nImage=a.build\n'],
      ['self.container', `${image}Network=self.container\n`],
      ['in.container', `${image}Volume=v.volume:/v\nPod=p.pod\n`],
      ['lone.container', `${image}Pod=p.pod\nNetwork=lone.container\n`],
      ['p.pod', ''],
    )
    expect(made.errors).toEqual(
      [
        '/q/self.container: it needs itself',
        '/q/a.build: a.build, v.volume need each other, so none can be first',
        '/q/v.volume: a.build, v.volume need each other, so none can be first',
        '/q/lone.container: it needs itself',
      ].toSorted((a, b) => made.errors.indexOf(a) - made.errors.indexOf(b)),
    )
    expect(made.names).toEqual(['in.service', 'p-pod.service'])
    expect(made.text('p-pod.service')).toContain('Wants=in.service')
    expect(made.text('p-pod.service')).not.toContain('lone')
  })

  const graph = (text: string): Map<string, Set<string>> =>
    new Map(text.split(' ').map((each) => [each.charAt(0), new Set(each.slice(1))]))
  test.each([
    ['ab bc c', []],
    ['ab ba', [['a', 'b']]],
    ['aa', [['a']]],
    ['ab bc ca dc ed', [['a', 'b', 'c']]],
    [
      'ab ba cb dc cd',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['az', []],
  ])('in %j are %j', (text, loops) => {
    expect(findLoops(graph(text)).toSorted()).toEqual(loops)
  })

  test('are found among thousands', () => {
    const count = 5000
    const needs = new Map(
      Array.from({ length: count }, (_, index) => [String(index), new Set([String((index + 1) % count)])] as const),
    )
    expect(findLoops(needs).map(({ length }) => length)).toEqual([count])
  })
})

test('a whole service of a container, as it is written', () => {
  const text =
    '# a shop\n[Unit]\nDescription=The shop\nAfter=data.volume\n\n' +
    '[Container]\nImage=base.image\nPod=shop.pod\nNetwork=back.network\nVolume=data.volume:/data:U\nVolume=./etc:/etc/shop:ro\n' +
    'Environment="A=two words" B=%i\nPublishPort=8080:80\nExec=serve --port 80 \\\n  --name "my shop"\n\n' +
    '[Service]\nRestart=always\nTimeoutStartSec=900\n\n[Install]\nWantedBy=default.target\n'
  const { name, links, text: unit } = converted('web.container', text)
  expect(name).toBe('web.service')
  expect(links).toEqual([{ path: 'default.target.wants/web.service', target: '../web.service' }])
  expect(unit).toBe(`[Unit]
Wants=tspod-user-wait-network-online.service
After=tspod-user-wait-network-online.service
Description=The shop
After=data-volume.service
SourcePath=/q/web.container
Requires=base-image.service
After=base-image.service
Requires=back-network.service
After=back-network.service
Requires=data-volume.service
After=data-volume.service
RequiresMountsFor=/q/etc
BindsTo=shop-pod.service
After=shop-pod.service

[X-Container]
Image=base.image
Pod=shop.pod
Network=back.network
Volume=data.volume:/data:U
Volume=./etc:/etc/shop:ro
Environment="A=two words" B=%i
PublishPort=8080:80
Exec=serve --port 80 --name "my shop"

[Service]
Restart=always
TimeoutStartSec=900
Environment=PODMAN_SYSTEMD_UNIT=%n
KillMode=mixed
ExecStop=/usr/bin/tspod stop -i --cidfile=%t/%N.cid
ExecStopPost=-/usr/bin/tspod rm -v -f -i --cidfile=%t/%N.cid
Delegate=yes
SyslogIdentifier=%N
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/tspod run --name systemd-%N --cidfile=%t/%N.cid --replace --rm --cgroups=split --sdnotify=conmon -d --publish 8080:80 --env "A=two words" --env B=%i --network systemd-back -v systemd-data:/data:U -v /q/etc:/etc/shop:ro --pod-id-file %t/shop-pod.pod-id example.org/base serve --port 80 --name "my shop"

[Install]
WantedBy=default.target
`)
})

test('two quadlets of one service: the second is refused', () => {
  const made = all(['a.container', image], ['b.container', `${image}ServiceName=a\n`])
  expect(made.names).toEqual(['a.service'])
  expect(made.errors).toEqual(['/q/b.container: a.service is made from /q/a.container already'])
})

test.each([
  ['After=data.volume foo.service', 'After', 'data-volume.service foo.service'],
  ['Requires=front.network', 'Requires', 'facade-net.service'],
  ['BindsTo=shop.pod', 'BindsTo', 'shop-pod.service'],
  ['PartOf=db.container', 'PartOf', 'db.service'],
  ['Before=a\\x2db.mount', 'Before', 'a\\x2db.mount'],
  ['Documentation=file:///x.network', 'Documentation', 'file:///x.network'],
])('%s in [Unit] means %s=%s', (line, key, expected) => {
  const text = `[Unit]\n${line}\n${image}[Quadlet]\nDefaultDependencies=false\n`
  expect(setting('web.container', text, key)).toBe(expected)
})

test('what [Unit] names has to be there', () => {
  expect(() => converted('web.container', `[Unit]\nAfter=none.volume\n${image}`)).toThrow(/none\.volume/)
})

describe('a network of another', () => {
  test.each([
    ['Network=front.network:alias=x', '--network facade:alias=x', 'facade-net.service'],
    ['Network=db.container', '--network container:database', 'db.service'],
    ['Network=many@1.container', '--network container:systemd-many_1', 'many@1.service'],
  ])('%s', (line, option, needed) => {
    const text = `${image}${line}\n`
    expect(command('web.container', text)).toContain(` ${option} `)
    expect(setting('web.container', text, 'Requires')).toBe(needed)
  })

  test.each([
    ['Network=many@.container', /its container has no fixed name/],
    ['Network=db.container:ip=1', /has no options/],
    ['Network=none.network', /no such quadlet/],
  ])('%s is refused', (line, message) => {
    expect(() => converted('web.container', `${image}${line}\n`)).toThrow(message)
  })
})

describe('mounts', () => {
  test.each([
    ['type=bind,src=./x,dst=/x,ro', 'type=bind,source=/q/x,dst=/x,ro'],
    ['type=volume,source=data.volume,destination=/d', 'type=volume,source=systemd-data,destination=/d'],
    ['destination=/d,source=named.volume', 'type=volume,destination=/d,source=mine'],
    ['type=volume,destination=/anonymous', 'type=volume,destination=/anonymous'],
    ['type=image,source=base.image,destination=/i', 'type=image,source=example.org/base,destination=/i'],
    ['type=tmpfs,tmpfs-size=1m,destination=/t', 'type=tmpfs,tmpfs-size=1m,destination=/t'],
    ['"type=bind,source=/a b,dst=/c"', '"type=bind,source=/a b,dst=/c"'],
    [`'type=bind,"source=/a,b",dst=/c'`, '"type=bind,\\"source=/a,b\\",dst=/c"'],
  ])('Mount=%s', (value, expected) => {
    expect(command('web.container', `${image}Mount=${value}\n`)).toContain(` --mount ${expected} i`)
  })

  test.each([
    ['type=bind,destination=/d', /no source=, which type=bind needs/],
    ['type=volume,source=,destination=/d', /no source=/],
    ['type=bind,source=/a"b,dst=/c', /quote/],
  ])('Mount=%s is refused', (value, message) => {
    expect(() => converted('web.container', `${image}Mount=${value}\n`)).toThrow(message)
  })

  test('wait for the folders of the host', () => {
    const text = `${image}Volume=/a b:/x\nVolume=./c:/y\nMount=type=bind,source=/d,dst=/z\n`
    expect(setting('web.container', text, 'RequiresMountsFor')).toBe('"/a b"\n/q/c\n/d')
  })
})
