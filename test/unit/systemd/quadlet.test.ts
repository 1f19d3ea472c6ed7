import { describe, expect, test } from 'vitest'
import { convert } from '../../../src/systemd/quadlet/convert.js'
import { command, converted, setting, source, world } from '../../helpers/quadlets.js'

function service(name: string, text: string): string {
  return converted(name, text).text
}

const run = 'run --name systemd-%N --cidfile=%t/%N.cid --replace --rm --cgroups=split --sdnotify=conmon -d'

describe('a .container', () => {
  test.each([
    ['', '-d --log-driver journald i'],
    ['LogDriver=none', '-d --log-driver none i'],
  ])('with %s logs where it says, or where the world does', (text, end) => {
    const web = source('web.container', `[Container]\nImage=i\n${text}\n`)
    expect(convert(web, { ...world, logDriver: 'journald' }).text).toContain(`=conmon ${end}\n`)
  })

  test.each([
    ['', `${run} i`],
    ['Exec=sleep 60 "a b" \'c\' $HOME %i', `${run} i sleep 60 "a b" c $HOME %i`],
    ['Exec=sh -c "a;b\\n"', `${run} i sh -c "a;b\\n"`],
    ['ContainerName=web', `${run.replace('systemd-%N', 'web')} i`],
    ['CgroupsMode=enabled', `${run.replace('split', 'enabled')} i`],
    ['Notify=true', `${run.replace('conmon', 'container')} i`],
    ['Notify=healthy', `${run.replace('conmon', 'healthy')} i`],
    ['GlobalArgs=--log-level=debug', `--log-level=debug ${run} i`],
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
    ['Retry=3\nRetryDelay=5s', `${run} --retry 3 --retry-delay 5s i`],
    ['Memory=1g\nShmSize=64m', `${run} --shm-size 64m --memory 1g i`],
    ['AppArmor=unconfined', `${run} --security-opt apparmor=unconfined i`],
    ['HttpProxy=false\nEnvironmentHost=on', `${run} --env-host --http-proxy=false i`],
    ['ExposeHostPort=1000\nExposeHostPort=2000-2010/udp', `${run} --expose 1000 --expose 2000-2010/udp i`],
    ['LogDriver=none\nLogOpt=a=b c=d\\e', `${run} --log-driver none --log-opt a=b --log-opt "c=d\\\\e" i`],
    ['Secret=one two,type=env', `${run} --secret one --secret two,type=env i`],
    ['EnvironmentFile=a /b "c d"', `${run} --env-file /q/a --env-file /b --env-file "/q/c d" i`],
    ['Environment=HOME A=1\nLabel=plain', `${run} --env HOME --env A=1 --label plain i`],
    ['HostName="host"\nWorkingDir=/a b', `${run} --hostname host --workdir "/a b" i`],
    ['HealthCmd=sh -c "true"', `${run} --health-cmd "sh -c \\"true\\"" i`],
    ['UserNS=keep-id:uid=5\nVolatileTmp=yes', `${run} --tmpfs /tmp:rw,size=512M,mode=1777 --userns keep-id:uid=5 i`],
    ['UIDMap=0:1:2 3:4:5\nGIDMap=0:1:2', `${run} --uidmap 0:1:2 --uidmap 3:4:5 --gidmap 0:1:2 i`],
    ['RemapUsers=auto\nRemapUid=0:1:2\nRemapUidSize=9', `${run} --userns auto:uidmapping=0:1:2,size=9 i`],
    ['Volume=:/empty', `${run} -v /empty i`],
    ['Exec=one\nExec=two "three four"', `${run} i two "three four"`],
    ['Exec=sh -c \\\n  "a; \\\n# between\n  b"', `${run} i sh -c "a; b"`],
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
    ['Image=i\nPod=shop.pod\nStartWithPod=perhaps', /StartWithPod=perhaps in \[Container\] is neither/],
    ['Image=i\nReadOnly=perhaps', /ReadOnly=perhaps in \[Container\] is neither true nor false/],
    ['Image=i\nExec=sh "-c', /\/q\/web\.container: Exec=: the quote " is not closed/],
    ['Image=i\nExposeHostPort=http', /ExposeHostPort=http is neither a port/],
    ['Image=i\nReloadCmd=x\nReloadSignal=HUP', /exclude each other/],
    ['Image=i\nServiceName=../../etc/x', /cannot be the name of a service/],
    ['Image=i\n[Service]\nType=simple', /Type=simple/],
    ['Image=i\n[Service]\nKillMode=none', /KillMode=none/],
  ])('refuses %j', (keys, message) => {
    expect(() => service('web.container', `[Container]\n${keys}\n`)).toThrow(message)
  })

  test.each([
    ['ReloadCmd=nginx -s "re load"', 'exec systemd-%N nginx -s "re load"'],
    ['ReloadSignal=SIGHUP\nContainerName=web\nGlobalArgs=-x', '-x kill --signal SIGHUP web'],
    ['ReloadCmd=', ''],
  ])('with %j is reloaded by %j', (keys, expected) => {
    expect(command('web.container', `[Container]\nImage=i\n${keys}\n`, 'ExecReload')).toBe(expected)
  })

  test('is stopped in the store where it was made', () => {
    const text = '[Container]\nImage=i\nGlobalArgs=--root /r\n'
    expect(command('web.container', text, 'ExecStop')).toBe('--root /r stop -i --cidfile=%t/%N.cid')
    expect(command('web.container', text, 'ExecStopPost')).toBe('---root /r rm -v -f -i --cidfile=%t/%N.cid')
  })

  test('of a template has a name without @', () => {
    expect(command('web@.container', '[Container]\nImage=i\n')).toContain('run --name systemd-%p_%i ')
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
    ['a.volume', '[Volume]\n', 'volume create --ignore systemd-a'],
    [
      'a.volume',
      '[Volume]\nVolumeName=v\nDevice=tmpfs\nType=tmpfs\nOptions=size=1m\nUser=5\nGroup=6\nCopy=false\nLabel=a=b\n',
      'volume create --ignore --label a=b --opt nocopy --opt device=tmpfs --opt type=tmpfs --opt o=uid=5,gid=6,size=1m v',
    ],
    [
      'a.network',
      '[Network]\nSubnet=10.1.0.0/24\nGateway=10.1.0.1\nSubnet=10.2.0.0/24\nInternal=true\nOptions=isolate=true\n',
      'network create --ignore --internal --opt isolate=true --subnet 10.1.0.0/24 --gateway 10.1.0.1 --subnet 10.2.0.0/24 systemd-a',
    ],
    [
      'a.image',
      '[Image]\nImage=x\nPolicy=newer\nRetry=3\nRetryDelay=1s\n',
      'image pull --policy newer --retry 3 --retry-delay 1s x',
    ],
    ['a.volume', '[Volume]\nUID=5\nGID=6\n', 'volume create --ignore --uid 5 --gid 6 systemd-a'],
    ['a.volume', '', 'volume create --ignore systemd-a'],
    [
      'a.volume',
      '[Volume]\nDriver=image\nImage=site.build\n',
      'volume create --ignore --driver image --opt image=localhost/site systemd-a',
    ],
    [
      'a.build',
      '[Build]\nImageTag=t\nFile=/x/f\nPull=newer\nBuildArg=a=1 b\nIgnoreFile=/i\nRetry=2\n',
      'build --pull=newer --ignorefile /i --retry 2 --tag t --build-arg a=1 --build-arg b --file /x/f',
    ],
    ['a.build', '[Build]\nImageTag=t\nFile=f\nSetWorkingDirectory=/x\n', 'build --tag t --file f /x'],
    ['a.build', '[Build]\nImageTag=t\nSetWorkingDirectory=./x\n', 'build --tag t ./x'],
    [
      'a.build',
      '[Build]\nImageTag=t\nSetWorkingDirectory=https://x.example/a.git#b:c\n',
      'build --tag t https://x.example/a.git#b:c',
    ],
    ['a.build', '[Build]\nImageTag=t\nFile=f\n[Service]\nWorkingDirectory=/w\n', 'build --tag t --file f /w'],
    ['a.image', '[Image]\nImage=x\nTLSVerify=false\n', 'image pull --tls-verify=false x'],
    ['a.build', '[Build]\nImageTag=t\nSetWorkingDirectory=unit\nFile=f\n', 'build --tag t --file f /q'],
    ['a.build', '[Build]\nImageTag=t\nFile=/x/Containerfile\n', 'build --tag t --file /x/Containerfile'],
    [
      'a.kube',
      '[Kube]\nYaml=k.yaml\nConfigMap=c.yaml\nAutoUpdate=web/local\n',
      'kube play --replace --service-container=true --annotation=io.containers.autoupdate/web=local --configmap /q/c.yaml /q/k.yaml',
    ],
  ])('%s: %j', (name, text, expected) => {
    expect(command(name, text)).toBe(expected)
  })

  test.each([
    ['SetWorkingDirectory=unit', '/q'],
    ['SetWorkingDirectory=./x', '/q'],
    ['SetWorkingDirectory=/x', ''],
    ['SetWorkingDirectory=File\nFile=sub/f', '/q/sub'],
    ['SetWorkingDirectory=unit\n[Service]\nWorkingDirectory=/w', '/w'],
  ])('a build with %j works in %j', (keys, folder) => {
    expect(setting('a.build', `[Build]\nImageTag=t\n${keys}\n`, 'WorkingDirectory')).toBe(folder)
  })

  test.each([
    ['a.build', '[Build]\nImageTag=t\nSetWorkingDirectory=yaml\n', /is for a \.kube/],
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
})

test.each([
  ['web.container', 'web.service'],
  ['web@.container', 'web@.service'],
  ['web@1.container', 'web@1.service'],
  ['a.kube', 'a.service'],
  ['data.volume', 'data-volume.service'],
  ['data@x.volume', 'data-volume@x.service'],
  ['n.network', 'n-network.service'],
  ['n@1.network', 'n-network@1.service'],
])('%s makes %s', (name, expected) => {
  const keys = { container: 'Image=i', kube: 'Yaml=/k', volume: '', network: '' }[name.split('.')[1] ?? ''] ?? ''
  const section = { container: 'Container', kube: 'Kube', volume: 'Volume', network: 'Network' }[
    name.split('.')[1] ?? ''
  ]
  expect(convert(source(name, `[${section}]\n${keys}\n`), world).name).toBe(expected)
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
  const made = convert(source(name, `[Container]\nImage=i\n[Install]\n${install}\n`), world)
  expect(made.links.map(({ path }) => path)).toEqual(links)
})
