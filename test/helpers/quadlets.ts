import { convert, type Converted } from '../../src/systemd/quadlet/convert.js'
import { kindOf, type Source } from '../../src/systemd/quadlet/source.js'
import type { World } from '../../src/systemd/quadlet/service.js'
import { parseUnit } from '../../src/systemd/unit-file.js'

/** A quadlet of the folder /q, by its name and text. */
export function source(name: string, text: string): Source {
  const kind = kindOf(name)
  if (kind === undefined) throw new Error(`${name} is no quadlet`)
  return { name, kind, path: `/q/${name}`, unit: parseUnit(text, `/q/${name}`) }
}

const others = [
  source('data.volume', '[Volume]\n'),
  source('named.volume', '[Volume]\nVolumeName=mine\n'),
  source('back.network', '[Network]\n'),
  source('front.network', '[Network]\nNetworkName=facade\nServiceName=facade-net\n'),
  source('base.image', '[Image]\nImage=example.org/base\n'),
  source('site.build', '[Build]\nImageTag=localhost/site\nSetWorkingDirectory=unit\n'),
  source('shop.pod', '[Pod]\n'),
  source('db.container', '[Container]\nImage=db\nContainerName=database\nPod=shop.pod\n'),
  source('many@.container', '[Container]\nImage=many\n'),
  source('many@1.container', '[Container]\nImage=many\n'),
]

/** What other quadlets there are. */
export const world: World = {
  tspod: '/usr/bin/tspod',
  sources: new Map(others.map((other) => [other.name, other])),
  exists: (path) => path === '/dev/null',
  members: () => [],
}

export function converted(name: string, text: string): Converted {
  return convert(source(name, text), world)
}

/** The values of a setting of the service, one a line. */
export function setting(name: string, text: string, key: string): string {
  return [...converted(name, text).text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))]
    .map(([, value]) => value)
    .join('\n')
}

/** A command of the service, without the program. */
export function command(name: string, text: string, key = 'ExecStart'): string {
  return setting(name, text, key).replace(/^(-?)\/usr\/bin\/tspod /, '$1')
}
