import { describe, expect, test } from 'vitest'
import { command, converted, setting } from '../../helpers/quadlets.js'

const network = (keys: string): string => command('n.network', `[Network]\n${keys}\n`)
const pod = (keys: string, key = 'ExecStartPre'): string => command('p.pod', `[Pod]\n${keys}\n`, key)
const kube = (keys: string, key = 'ExecStart'): string => command('k.kube', `[Kube]\nYaml=k.yaml\n${keys}\n`, key)

describe('a .network', () => {
  const create = 'network create --ignore'
  test.each([
    ['', `${create} systemd-n`],
    ['NetworkName=blue', `${create} blue`],
    ['DisableDNS=true\nInternal=yes\nIPv6=1', `${create} --disable-dns --internal --ipv6 systemd-n`],
    ['DisableDNS=no\nInternal=off\nIPv6=0', `${create} --disable-dns=false --internal=false --ipv6=false systemd-n`],
    ['Driver=ipvlan\nIPAMDriver=dhcp', `${create} --driver ipvlan --ipam-driver dhcp systemd-n`],
    ['InterfaceName=br7', `${create} --interface-name br7 systemd-n`],
    ['DNS=1.1.1.1\nDNS=2.2.2.2', `${create} --dns 1.1.1.1 --dns 2.2.2.2 systemd-n`],
    ['Options=isolate=true mtu=9000\nOptions=mtu=1500', `${create} --opt isolate=true --opt mtu=1500 systemd-n`],
    ['Label=a=1 "b=two words"', `${create} --label a=1 --label "b=two words" systemd-n`],
    ['Subnet=10.1.0.0/24', `${create} --subnet 10.1.0.0/24 systemd-n`],
    [
      'Subnet=10.1.0.0/24\nGateway=10.1.0.1\nIPRange=10.1.0.128/25\nSubnet=fd00::/64\nGateway=fd00::1\nSubnet=10.3.0.0/16',
      `${create} --subnet 10.1.0.0/24 --gateway 10.1.0.1 --ip-range 10.1.0.128/25 --subnet fd00::/64 --gateway fd00::1 --subnet 10.3.0.0/16 systemd-n`,
    ],
    ['Subnet=bad\nSubnet=\nSubnet=10.9.0.0/16', `${create} --subnet 10.9.0.0/16 systemd-n`],
    ['PodmanArgs=--route 10.0.0.0/8,10.1.0.1', `${create} --route 10.0.0.0/8,10.1.0.1 systemd-n`],
    ['GlobalArgs=--log-level debug', `--log-level debug ${create} systemd-n`],
    ['ContainersConfModule=/m.conf', `--module=/m.conf ${create} systemd-n`],
  ])('with %j', (keys, expected) => {
    expect(network(keys)).toBe(expected)
  })

  test.each([
    ['Gateway=10.0.0.1', /more Gateway= or IPRange= than Subnet=/],
    ['IPRange=10.0.0.0/25', /more Gateway= or IPRange= than Subnet=/],
    ['Subnet=10.0.0.0/24\nGateway=10.0.0.1\nGateway=10.0.0.2', /more Gateway=/],
    ['Internal=perhaps', /Internal=perhaps in \[Network\] is neither true nor false/],
    ['NetworkDNS=1.1.1.1', /\/q\/n\.network: unsupported key "NetworkDNS" in \[Network\]/],
    ['[Quadlet]\nAfter=x', /unsupported key "After" in \[Quadlet\]/],
  ])('refuses %j', (keys, message) => {
    expect(() => network(keys)).toThrow(message)
  })

  test('needs no word in it, and stays when its service stops', () => {
    expect(converted('n.network', '').text).toBe(
      '[Unit]\n' +
        'Wants=tspod-user-wait-network-online.service\n' +
        'After=tspod-user-wait-network-online.service\n' +
        'SourcePath=/q/n.network\n\n' +
        '[Service]\n' +
        'ExecStart=/usr/bin/tspod network create --ignore systemd-n\n' +
        'SyslogIdentifier=%N\n' +
        'Type=oneshot\n' +
        'RemainAfterExit=yes\n',
    )
  })

  test('goes with its service where it says so', () => {
    expect(command('n.network', '[Network]\nNetworkDeleteOnStop=true\nGlobalArgs=-x\n', 'ExecStopPost')).toBe(
      '-x network rm systemd-n',
    )
    expect(command('n.network', '[Network]\nNetworkDeleteOnStop=false\n', 'ExecStopPost')).toBe('')
  })
})

describe('a .pod', () => {
  const create = 'pod create --infra-conmon-pidfile=%t/%N.pid --pod-id-file=%t/%N.pod-id --exit-policy=stop --replace'
  const end = '--infra-name systemd-p-infra --name systemd-p'
  test.each([
    ['', `${create} ${end}`],
    ['PodName=shop', `${create} --infra-name shop-infra --name shop`],
    ['PublishPort=80:80\nPublishPort=[::1]:81:81', `${create} --publish 80:80 --publish [::1]:81:81 ${end}`],
    ['IP=10.0.0.2\nIP6=fd00::2', `${create} --ip 10.0.0.2 --ip6 fd00::2 ${end}`],
    ['ShmSize=10m\nHostName=shop', `${create} --shm-size 10m --hostname shop ${end}`],
    ['NetworkAlias=a\nNetworkAlias=b', `${create} --network-alias a --network-alias b ${end}`],
    [
      'DNS=1.1.1.1\nDNSOption=ndots:1\nDNSSearch=x',
      `${create} --dns 1.1.1.1 --dns-option ndots:1 --dns-search x ${end}`,
    ],
    ['AddHost=a:1.2.3.4', `${create} --add-host a:1.2.3.4 ${end}`],
    ['Label=a=1', `${create} --label a=1 ${end}`],
    ['UserNS=keep-id', `${create} --userns keep-id ${end}`],
    ['UIDMap=0:1:2 5:6:7\nGIDMap=0:1:2', `${create} --uidmap 0:1:2 --uidmap 5:6:7 --gidmap 0:1:2 ${end}`],
    ['SubUIDMap=u\nSubGIDMap=g', `${create} --subuidname u --subgidname g ${end}`],
    ['RemapUsers=auto\nRemapUidSize=5', `${create} --userns auto:size=5 ${end}`],
    ['RemapUsers=manual\nRemapUid=0:1:2\nRemapGid=3:4:5', `${create} --uidmap 0:1:2 --gidmap 3:4:5 ${end}`],
    ['Network=host', `${create} --network host ${end}`],
    ['Network=front.network:ip=1.2.3.4', `${create} --network facade:ip=1.2.3.4 ${end}`],
    ['Volume=data.volume:/d\nVolume=./x:/x:ro', `${create} -v systemd-data:/d -v /q/x:/x:ro ${end}`],
    ['PodmanArgs=--cpus=2', `${create} ${end} --cpus=2`],
    ['GlobalArgs=--log-level debug', `--log-level debug ${create} ${end}`],
    ['ExitPolicy=continue', `${create.replace('=stop', '=continue')} ${end}`],
  ])('with %j', (keys, expected) => {
    expect(pod(keys)).toBe(expected)
  })

  test('is started, stopped and removed by its file', () => {
    expect(converted('p.pod', '[Pod]\n').text).toContain(
      '[Service]\n' +
        `ExecStartPre=/usr/bin/tspod ${create} ${end}\n` +
        'ExecStart=/usr/bin/tspod pod start --pod-id-file=%t/%N.pod-id\n' +
        'ExecStop=/usr/bin/tspod pod stop --pod-id-file=%t/%N.pod-id --ignore --time=10\n' +
        'ExecStopPost=/usr/bin/tspod pod rm --pod-id-file=%t/%N.pod-id --ignore --force\n' +
        'Environment=PODMAN_SYSTEMD_UNIT=%n\n' +
        'Type=forking\n' +
        'PIDFile=%t/%N.pid\n' +
        'Restart=on-failure\n' +
        'SyslogIdentifier=%N\n',
    )
    expect(pod('StopTimeout=70\nGlobalArgs=-x', 'ExecStop')).toBe(
      '-x pod stop --pod-id-file=%t/%N.pod-id --ignore --time=70',
    )
  })

  test('keeps what [Service] says, except for how it is watched', () => {
    const text = '[Pod]\n[Service]\nRestart=no\nType=simple\nEnvironment=A=B\nSyslogIdentifier=x\n'
    expect(setting('p.pod', text, 'Restart')).toBe('no')
    expect(setting('p.pod', text, 'Type')).toBe('forking')
    expect(setting('p.pod', text, 'Environment')).toBe('A=B\nPODMAN_SYSTEMD_UNIT=%n')
    expect(setting('p.pod', text, 'SyslogIdentifier')).toBe('x')
  })

  test('comes after its networks and volumes', () => {
    const text = '[Pod]\nNetwork=front.network\nVolume=data.volume:/d\n[Quadlet]\nDefaultDependencies=no\n'
    expect(setting('p.pod', text, 'Requires')).toBe('facade-net.service\ndata-volume.service')
    expect(setting('p.pod', text, 'After')).toBe('facade-net.service\ndata-volume.service')
  })

  test.each([
    ['Network=none.network', /it refers to none\.network, and there is no such quadlet/],
    ['Volume=none.volume:/v', /it refers to none\.volume/],
    ['RemapGid=1', /RemapUid= and RemapGid= need RemapUsers=/],
    ['UserNS=host\nRemapUsers=auto', /RemapUsers= is older/],
    ['Image=x', /unsupported key "Image" in \[Pod\]/],
  ])('refuses %j', (keys, message) => {
    expect(() => pod(keys)).toThrow(message)
  })
})

describe('a .kube', () => {
  const play = 'kube play --replace --service-container=true'
  test.each([
    ['', `${play} /q/k.yaml`],
    ['Yaml=/abs.yaml %h/home.yaml', `${play} /q/k.yaml /abs.yaml %h/home.yaml`],
    ['ExitCodePropagation=any', `${play} --service-exit-code-propagation=any /q/k.yaml`],
    ['LogDriver=k8s-file\nLogOpt=a=b c=d', `${play} --log-driver k8s-file --log-opt a=b --log-opt c=d /q/k.yaml`],
    ['PublishPort=80:80\nPublishPort=81:81', `${play} --publish 80:80 --publish 81:81 /q/k.yaml`],
    ['UserNS=auto', `${play} --userns auto /q/k.yaml`],
    ['RemapUsers=keep-id\nRemapUid=5', `${play} --userns keep-id:uid=5 /q/k.yaml`],
    ['Network=host\nNetwork=back.network', `${play} --network host --network systemd-back /q/k.yaml`],
    [
      'AutoUpdate=registry\nAutoUpdate=web/local db/registry',
      `${play} --annotation=io.containers.autoupdate=registry --annotation=io.containers.autoupdate/web=local --annotation=io.containers.autoupdate/db=registry /q/k.yaml`,
    ],
    [
      'ConfigMap=c.yaml /d.yaml\nConfigMap=%E/e',
      `${play} --configmap /q/c.yaml --configmap /d.yaml --configmap %E/e /q/k.yaml`,
    ],
    ['PodmanArgs=--x "y z"', `${play} --x "y z" /q/k.yaml`],
    ['GlobalArgs=-x\nContainersConfModule=m', `--module=m -x ${play} /q/k.yaml`],
  ])('with %j', (keys, expected) => {
    expect(kube(keys)).toBe(expected)
  })

  test.each([
    ['', 'kube down /q/k.yaml'],
    ['KubeDownForce=true\nYaml=l.yaml', 'kube down --force /q/k.yaml /q/l.yaml'],
    ['KubeDownForce=false\nGlobalArgs=-x', '-x kube down --force=false /q/k.yaml'],
  ])('with %j is taken down at its end', (keys, expected) => {
    expect(kube(keys, 'ExecStopPost')).toBe(expected)
  })

  test.each([
    ['SetWorkingDirectory=unit', '/q'],
    ['SetWorkingDirectory=Yaml', '/q'],
    ['Yaml=\nYaml=sub/k.yaml\nSetWorkingDirectory=yaml', '/q/sub'],
    ['SetWorkingDirectory=unit\n[Service]\nWorkingDirectory=/w', '/w'],
    ['', ''],
  ])('with %j works in %j', (keys, folder) => {
    expect(setting('k.kube', `[Kube]\nYaml=k.yaml\n${keys}\n`, 'WorkingDirectory')).toBe(folder)
  })

  test('is one service with its files', () => {
    expect(
      converted('k.kube', '[Kube]\nYaml=k.yaml\nNetwork=back.network\n[Quadlet]\nDefaultDependencies=no\n').text,
    ).toBe(
      '[X-Kube]\nYaml=k.yaml\nNetwork=back.network\n\n' +
        '[X-Quadlet]\nDefaultDependencies=no\n\n' +
        '[Unit]\nSourcePath=/q/k.kube\nRequires=back-network.service\nAfter=back-network.service\n\n' +
        '[Service]\nKillMode=mixed\nEnvironment=PODMAN_SYSTEMD_UNIT=%n\nType=notify\nNotifyAccess=all\nSyslogIdentifier=%N\n' +
        'ExecStart=/usr/bin/tspod kube play --replace --service-container=true --network systemd-back /q/k.yaml\n' +
        'ExecStopPost=/usr/bin/tspod kube down /q/k.yaml\n',
    )
  })

  test('is a service that says when it is ready, unless it is a oneshot', () => {
    const text = (type: string): string => `[Kube]\nYaml=k\n[Service]\n${type}\n`
    expect(setting('k.kube', text(''), 'NotifyAccess')).toBe('all')
    expect(setting('k.kube', text(''), 'KillMode')).toBe('mixed')
    expect(setting('k.kube', text('Type=oneshot'), 'Type')).toBe('oneshot')
    expect(setting('k.kube', text('Type=oneshot'), 'NotifyAccess')).toBe('')
    expect(setting('k.kube', text('KillMode=control-group'), 'KillMode')).toBe('control-group')
  })

  test.each([
    ['Yaml=', /Yaml= is missing/],
    ['SetWorkingDirectory=/x', /SetWorkingDirectory=\/x: yaml or unit was expected/],
    ['SetWorkingDirectory=yaml\nYaml=two', /needs one Yaml=/],
    ['RemapUsers=manual', /RemapUsers=manual is not for a \.kube/],
    ['Volume=/a:/b', /unsupported key "Volume" in \[Kube\]/],
    ['[Service]\nType=simple', /Type=simple: notify or oneshot/],
    ['[Service]\nKillMode=none', /KillMode=none: mixed or control-group/],
  ])('refuses %j', (keys, message) => {
    expect(() => kube(keys)).toThrow(message)
  })
})
