import { resolve } from 'node:path'
import { homedir } from 'node:os'
import { describe } from 'vitest'
import { parseMount, parseTmpfs, parseVolume } from '../../../../src/cli/parse/mount.js'
import { grammar } from './table.js'

describe('--volume', () => {
  grammar(
    parseVolume,
    [
      ['/data', { type: 'volume', target: '/data', options: [] }],
      ['/src:/dst', { type: 'bind', source: '/src', target: '/dst', options: [] }],
      ['/src:/dst:ro', { type: 'bind', source: '/src', target: '/dst', options: ['ro'] }],
      ['/src:/dst:ro,z,rslave', { type: 'bind', source: '/src', target: '/dst', options: ['ro', 'z', 'rslave'] }],
      ['./rel:/dst', { type: 'bind', source: resolve('rel'), target: '/dst', options: [] }],
      ['..:/dst', { type: 'bind', source: resolve('..'), target: '/dst', options: [] }],
      ['~/x:/dst', { type: 'bind', source: `${homedir()}/x`, target: '/dst', options: [] }],
      ['data:/dst', { type: 'volume', name: 'data', target: '/dst', options: [] }],
      ['data:/dst:U,nocopy', { type: 'volume', name: 'data', target: '/dst', options: ['U', 'nocopy'] }],
      ['/a\\:b:/dst', { type: 'bind', source: '/a:b', target: '/dst', options: [] }],
      ['/src:/dst:', { type: 'bind', source: '/src', target: '/dst', options: [] }],
    ],
    [
      ['', 'absolute path'],
      ['data', 'absolute path'],
      ['data:dst', 'absolute path'],
      [':/dst', 'nothing before'],
      ['/src:/', 'root of the container'],
      ['/src:/.', 'root of the container'],
      ['/src:/dst:ro:x', 'not [SOURCE:]TARGET[:OPTIONS]'],
      ['/src:/dst:ro,rw', 'exclude each other'],
      ['/src:/dst:shared,slave', 'exclude each other'],
      ['/src:/dst:z,Z', 'exclude each other'],
      ['/src:/dst:readonly', 'invalid option "readonly"'],
      ['.data:/dst:x', 'invalid option "x"'],
      ['da/ta:/dst', 'neither a path nor a name'],
      ['-data:/dst', 'neither a path nor a name'],
      ['/src:/d\0st', 'null character'],
    ],
  )
})

describe('--tmpfs', () => {
  grammar(
    parseTmpfs,
    [
      ['/run', { type: 'tmpfs', target: '/run', options: [] }],
      [
        '/run:size=64m,mode=1777,noexec',
        { type: 'tmpfs', target: '/run', options: ['size=64m', 'mode=1777', 'noexec'] },
      ],
      ['/run:size=50%,rw', { type: 'tmpfs', target: '/run', options: ['size=50%', 'rw'] }],
    ],
    [
      ['run', 'absolute path'],
      ['/', 'root of the container'],
      ['/run:sise=1', 'invalid tmpfs option'],
      ['/run:mode=9', 'invalid tmpfs option'],
      ['/run:exec,noexec', 'exclude each other'],
    ],
  )
})

describe('--mount', () => {
  grammar(
    parseMount,
    [
      ['type=bind,src=/a,dst=/b', { type: 'bind', source: '/a', target: '/b', options: [] }],
      ['type=bind,source=/a,target=/b,readonly', { type: 'bind', source: '/a', target: '/b', options: ['ro'] }],
      ['type=bind,source=/a,destination=/b,ro=false', { type: 'bind', source: '/a', target: '/b', options: ['rw'] }],
      [
        'type=bind,src=/a,dst=/b,bind-propagation=rshared,relabel=private,chown=true',
        { type: 'bind', source: '/a', target: '/b', options: ['U', 'rshared', 'Z'] },
      ],
      ['type=bind,src=/a,dst=/b,bind-nonrecursive', { type: 'bind', source: '/a', target: '/b', options: ['bind'] }],
      ['"type=bind","src=/a,b",dst=/b', { type: 'bind', source: '/a,b', target: '/b', options: [] }],
      ['type=volume,src=data,dst=/b', { type: 'volume', name: 'data', target: '/b', options: [] }],
      ['src=data,dst=/b', { type: 'volume', name: 'data', target: '/b', options: [] }],
      ['type=volume,dst=/b', { type: 'volume', target: '/b', options: [] }],
      [
        'type=volume,src=data,dst=/b,volume-subpath=x/y',
        { type: 'volume', name: 'data', target: '/b', options: [], subpath: 'x/y' },
      ],
      [
        'type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=0700',
        { type: 'tmpfs', target: '/b', options: ['size=1048576', 'mode=700'] },
      ],
      ['type=ramfs,dst=/b', { type: 'ramfs', target: '/b', options: [] }],
      [
        'type=devpts,dst=/b,uid=1,gid=5,mode=0620,max=10',
        { type: 'devpts', target: '/b', options: ['uid=1', 'gid=5', 'max=10', 'mode=620'] },
      ],
      ['type=image,src=busybox,dst=/b', { type: 'image', image: 'busybox', target: '/b', writable: false }],
      ['type=image,src=busybox,dst=/b,rw=true', { type: 'image', image: 'busybox', target: '/b', writable: true }],
    ],
    [
      ['type=bind,dst=/b', 'needs a source'],
      ['type=bind,src=/a', 'needs a target'],
      ['type=bind,src=/a,dst=b', 'absolute path'],
      ['type=bind,src=/a,dst=/', 'root of the container'],
      ['type=bind,src=/a,dst=/b,ro=maybe', 'neither true nor false'],
      ['type=bind,src=/a,dst=/b,ro,rw', 'exclude each other'],
      ['type=bind,src=/a,dst=/b,size=1', 'invalid option "size"'],
      ['type=bind,src=/a,dst=/b,bind-propagation=up', 'unknown propagation'],
      ['type=volume,src=data,dst=/b,subpath=../x', 'leads out of the volume'],
      ['type=tmpfs,src=/a,dst=/b', 'invalid option "source"'],
      ['type=glob,src=/a*,dst=/b', 'not supported'],
      ['type=nothing,dst=/b', 'unknown type "nothing"'],
      ['type=constructor,dst=/b', 'unknown type'],
      ['type=bind,src="/a,dst=/b', 'cannot understand'],
    ],
  )
})
