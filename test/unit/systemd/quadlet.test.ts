import { describe, expect, test } from 'vitest'
import { convert } from '../../../src/systemd/quadlet/convert.js'
import { kindOf, type Source } from '../../../src/systemd/quadlet/source.js'
import type { World } from '../../../src/systemd/quadlet/service.js'
import { parseUnit } from '../../../src/systemd/unit-file.js'

function source(name: string, text: string): Source {
  const kind = kindOf(name)
  if (kind === undefined) throw new Error(`${name} is no quadlet`)
  return { name, kind, path: `/q/${name}`, unit: parseUnit(text, `/q/${name}`) }
}

const others = [
  source('data.volume', '[Volume]\n'),
  source('named.volume', '[Volume]\nVolumeName=mine\n'),
  source('back.network', '[Network]\n'),
  source('base.image', '[Image]\nImage=example.org/base\n'),
  source('site.build', '[Build]\nImageTag=localhost/site\nSetWorkingDirectory=unit\n'),
  source('shop.pod', '[Pod]\n'),
  source('db.container', '[Container]\nImage=db\nContainerName=database\nPod=shop.pod\n'),
]
const world: World = {
  tspod: '/usr/bin/tspod',
  sources: new Map(others.map((other) => [other.name, other])),
  exists: (path) => path === '/dev/null',
}

function service(name: string, text: string): string {
  return convert(source(name, text), world, () => true).text
}

function command(name: string, text: string, key = 'ExecStart'): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(service(name, text))?.[1] ?? ''
}

const run =
  '/usr/bin/tspod run --name systemd-%N --cidfile=%t/%N.cid --replace --rm --cgroups=split --sdnotify=conmon -d'

describe('a .container', () => {
  test.each([
    ['', '-d --log-driver journald i'],
    ['LogDriver=none', '-d --log-driver none i'],
  ])('with %s logs where it says, or where the world does', (text, end) => {
    const web = source('web.container', `[Container]\nImage=i\n${text}\n`)
    expect(convert(web, { ...world, logDriver: 'journald' }, () => true).text).toContain(`=conmon ${end}\n`)
  })

  test.each([
    ['', `${run} i`],
    ['Exec=sleep 60 "a b" \'c\' $HOME %i', `${run} i sleep 60 "a b" c $HOME %i`],
    ['Exec=sh -c "a;b\\n"', `${run} i sh -c "a;b\\n"`],
    ['ContainerName=web', `${run.replace('systemd-%N', 'web')} i`],
    ['CgroupsMode=enabled', `${run.replace('split', 'enabled')} i`],
    ['Notify=true', `${run.replace('conmon', 'container')} i`],
    ['Notify=healthy', `${run.replace('conmon', 'healthy')} i`],
    ['GlobalArgs=--log-level=debug', `${run.replace('tspod run', 'tspod --log-level=debug run')} i`],
    ['PodmanArgs=--cpus 2', `${run} --cpus 2 i`],
    ['Environment=a=1 "b=c d"\nEnvironment=a=2', `${run} --env a=2 --env "b=c d" i`],
    ['Label=a=1\nLabel=\nLabel=b=2', `${run} --label b=2 i`],
    ['AddCapability=CAP_A CAP_B\nDropCapability=ALL', `${run} --cap-drop all --cap-add cap_a --cap-add cap_b i`],
    ['AddDevice=-/dev/missing\nAddDevice=-/dev/null:/dev/x:r', `${run} --device /dev/null:/dev/x:r i`],
    ['Sysctl=net.a=1 net.b=2', `${run} --sysctl net.a=1 --sysctl net.b=2 i`],
    ['Mask=/a:/b\nUnmask=ALL', `${run} --security-opt mask=/a:/b --security-opt unmask=ALL i`],
    ['ReadOnly=true\nReadOnlyTmpfs=false', `${run} --read-only --read-only-tmpfs=false i`],
    ['User=7\nGroup=5', `${run} --user 7:5 i`],
    ['EnvironmentFile=env', `${run} --env-file /q/env i`],
    ['EnvironmentFile=%h/env', `${run} --env-file %h/env i`],
    ['Volume=./src:/dst:ro\nVolume=name:/n\nVolume=/anonymous', `${run} -v /q/src:/dst:ro -v name:/n -v /anonymous i`],
    ['Volume=data.volume:/d\nVolume=named.volume:/n', `${run} -v systemd-data:/d -v mine:/n i`],
    [
      'Mount=type=volume,source=data.volume,destination=/d',
      `${run} --mount type=volume,source=systemd-data,destination=/d i`,
    ],
    ['Network=back.network:ip=10.0.0.2', `${run} --network systemd-back:ip=10.0.0.2 i`],
    ['Network=db.container', `${run} --network container:database i`],
    ['Pod=shop.pod', `${run} --pod-id-file %t/shop-pod.pod-id i`],
    ['HealthCmd=test -e /x\nHealthInterval=2m', `${run} --health-cmd "test -e /x" --health-interval 2m i`],
    ['AutoUpdate=registry', `${run} --label io.containers.autoupdate=registry i`],
  ])('%s', (keys, expected) => {
    expect(command('web.container', `[Container]\nImage=i\n${keys}\n`)).toBe(expected)
  })

  test.each([
    ['Image=base.image', 'example.org/base', 'base-image'],
    ['Image=site.build', 'localhost/site', 'site-build'],
  ])('takes %s from another quadlet, and comes after it', (key, image, other) => {
    const text = service('web.container', `[Container]\n${key}\n`)
    expect(text).toContain(` -d ${image}\n`)
    expect(text).toContain(`Requires=${other}.service\nAfter=${other}.service\n`)
  })

  test.each([
    ['', /Image= or Rootfs= is missing/],
    ['Image=i\nRootfs=/r', /exclude each other/],
    ['Image=i\nBogus=1', /\/q\/web\.container: unsupported key "Bogus" in \[Container\]/],
    ['Image=i\nGroup=5', /Group= needs User=/],
    ['Image=i\nVolume=none.volume:/x', /none\.volume, and there is no such quadlet/],
    ['Image=i\nPod=shop', /not the name of a \.pod/],
    ['Image=i\nReadOnly=perhaps', /ReadOnly=perhaps in \[Container\] is neither true nor false/],
    ['Image=i\nExec=sh "-c', /quote " is not closed/],
    ['Image=i\n[Service]\nType=simple', /Type=simple/],
    ['Image=i\n[Service]\nKillMode=none', /KillMode=none/],
  ])('refuses %j', (keys, message) => {
    expect(() => service('web.container', `[Container]\n${keys}\n`)).toThrow(message)
  })

  test('that is a oneshot runs in the foreground', () => {
    const text = service('web.container', '[Container]\nImage=i\n[Service]\nType=oneshot\n')
    expect(text).toMatch(/--cgroups=split i$/m)
    expect(text).not.toContain('notify')
  })

  test('keeps what is systemd’s, and has the rest of a service', () => {
    const text = service(
      'web.container',
      '[Unit]\nDescription=x\n[Container]\nImage=i\n[Service]\nRestart=always\n[Quadlet]\nDefaultDependencies=false\n',
    )
    expect(text).toContain('[Unit]\nDescription=x\nSourcePath=/q/web.container\n')
    expect(text).toContain('[X-Container]\nImage=i\n')
    expect(text).toContain('Restart=always\n')
    expect(text).toContain('Delegate=yes\n')
    expect(text).toContain('KillMode=mixed\n')
    expect(text).toContain('ExecStop=/usr/bin/tspod stop -i --cidfile=%t/%N.cid\n')
    expect(text).not.toContain('network-online')
  })
})

describe('the others', () => {
  test.each([
    ['a.volume', '[Volume]\n', '/usr/bin/tspod volume create --ignore systemd-a'],
    [
      'a.volume',
      '[Volume]\nVolumeName=v\nDevice=tmpfs\nType=tmpfs\nOptions=size=1m\nUser=5\nGroup=6\nCopy=false\nLabel=a=b\n',
      '/usr/bin/tspod volume create --ignore --opt nocopy --opt device=tmpfs --opt type=tmpfs --opt o=uid=5,gid=6,size=1m --label a=b v',
    ],
    [
      'a.network',
      '[Network]\nSubnet=10.1.0.0/24\nGateway=10.1.0.1\nSubnet=10.2.0.0/24\nInternal=true\nOptions=isolate=true\n',
      '/usr/bin/tspod network create --ignore --internal --opt isolate=true --subnet 10.1.0.0/24 --gateway 10.1.0.1 --subnet 10.2.0.0/24 systemd-a',
    ],
    ['a.image', '[Image]\nImage=x\nTLSVerify=false\n', '/usr/bin/tspod image pull --tls-verify=false x'],
    ['a.build', '[Build]\nImageTag=t\nSetWorkingDirectory=unit\nFile=f\n', '/usr/bin/tspod build --tag t --file f /q'],
    [
      'a.build',
      '[Build]\nImageTag=t\nFile=/x/Containerfile\n',
      '/usr/bin/tspod build --tag t --file /x/Containerfile /x',
    ],
    [
      'a.kube',
      '[Kube]\nYaml=k.yaml\nConfigMap=c.yaml\nAutoUpdate=web/local\n',
      '/usr/bin/tspod kube play --replace --service-container=true --annotation=io.containers.autoupdate/web=local --configmap /q/c.yaml /q/k.yaml',
    ],
  ])('%s: %j', (name, text, expected) => {
    expect(command(name, text)).toBe(expected)
  })

  test.each([
    ['a.volume', '[Volume]\nType=tmpfs\n', /Type= needs Device=/],
    ['a.network', '[Network]\nGateway=10.0.0.1\n', /more Gateway=/],
    ['a.image', '[Image]\n', /Image= is missing/],
    ['a.build', '[Build]\nSetWorkingDirectory=unit\n', /ImageTag= is missing/],
    ['a.build', '[Build]\nImageTag=t\nFile=f\n', /needs SetWorkingDirectory=/],
    ['a.kube', '[Kube]\n', /Yaml= is missing/],
    ['a.pod', '[Container]\nImage=i\n', /section \[Pod\] is missing/],
  ])('%s is refused: %j', (name, text, message) => {
    expect(() => service(name, text)).toThrow(message)
  })

  test('a pod starts with the containers that name it', () => {
    const text = service('shop.pod', '[Pod]\nPublishPort=80:80\n')
    expect(text).toContain('Wants=db.service\nBefore=db.service\n')
    expect(command('shop.pod', '[Pod]\nPodName=p\nPublishPort=80:80\n', 'ExecStartPre')).toBe(
      '/usr/bin/tspod pod create --infra-conmon-pidfile=%t/%N.pid --pod-id-file=%t/%N.pod-id --exit-policy=stop --replace --publish 80:80 --infra-name p-infra --name p',
    )
  })

  test('a quadlet of commands that are not there says so', () => {
    const has = (words: string): boolean => !words.startsWith('kube')
    expect(() => convert(source('a.kube', '[Kube]\nYaml=/k\n'), world, has)).toThrow(
      'a .kube needs "tspod kube play", which this version of tspod does not have',
    )
  })
})

test.each([
  ['web.container', 'web.service'],
  ['web@.container', 'web@.service'],
  ['web@1.container', 'web@1.service'],
  ['a.kube', 'a.service'],
  ['data.volume', 'data-volume.service'],
  ['data@x.volume', 'data-volume@x.service'],
  ['n.network', 'n-network.service'],
])('%s makes %s', (name, expected) => {
  const keys = { container: 'Image=i', kube: 'Yaml=/k', volume: '', network: '' }[name.split('.')[1] ?? ''] ?? ''
  const section = { container: 'Container', kube: 'Kube', volume: 'Volume', network: 'Network' }[
    name.split('.')[1] ?? ''
  ]
  expect(convert(source(name, `[${section}]\n${keys}\n`), world, () => true).name).toBe(expected)
})

test.each([
  ['web.container', 'WantedBy=default.target', ['default.target.wants/web.service']],
  [
    'web.container',
    'RequiredBy=a.service b.target',
    ['a.service.requires/web.service', 'b.target.requires/web.service'],
  ],
  ['web.container', 'Alias=www.service', ['www.service']],
  ['web@.container', 'WantedBy=default.target', []],
  ['web@.container', 'WantedBy=default.target\nDefaultInstance=5', ['default.target.wants/web@5.service']],
  ['web.container', 'WantedBy=../../evil.target /etc/x.target\nAlias=../x.service', []],
])('%s with %j is enabled by %j', (name, install, links) => {
  const made = convert(source(name, `[Container]\nImage=i\n[Install]\n${install}\n`), world, () => true)
  expect(made.links.map(({ path }) => path)).toEqual(links)
})
