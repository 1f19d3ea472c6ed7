import { expect, test } from 'vitest'
import { applyChanges } from '../../../src/engine/images/changes.js'

test.each([
  [['CMD=/bin/sh'], { Cmd: ['/bin/sh', '-c', '/bin/sh'] }],
  [['CMD ["a","b"]'], { Cmd: ['a', 'b'] }],
  [['ENTRYPOINT ["/init"]'], { Entrypoint: ['/init'] }],
  [['ENV A=b C="d e"', 'ENV A=z'], { Env: ['C=d e', 'A=z'] }],
  [['ENV A rest of it'], { Env: ['A=rest of it'] }],
  [['ENV=A=b'], { Env: ['A=b'] }],
  [['EXPOSE 80 53/udp'], { ExposedPorts: { '80/tcp': {}, '53/udp': {} } }],
  [['LABEL a=b c="d"'], { Labels: { a: 'b', c: 'd' } }],
  [['VOLUME ["/a","/b"]'], { Volumes: { '/a': {}, '/b': {} } }],
  [['WORKDIR /a', 'WORKDIR b'], { WorkingDir: '/a/b' }],
  [['USER 1:2'], { User: '1:2' }],
  [['STOPSIGNAL SIGINT'], { StopSignal: 'SIGINT' }],
])('%j gives %j', (changes, config) => {
  expect(applyChanges({}, changes)).toEqual(config)
})

test.each(['RUN x', 'CMD', 'EXPOSE x', 'ENV A'])('refuses %j', (change) => {
  expect(() => applyChanges({}, [change])).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
})

test.each([
  [['ENTRYPOINT ["/x"]'], undefined],
  [['CMD ["a"]', 'ENTRYPOINT ["/x"]'], ['a']],
  [['ENTRYPOINT ["/x"]', 'CMD ["a"]'], ['a']],
  [['ENV A=b'], ['before']],
])('%j leaves the command %j', (changes, command) => {
  expect(applyChanges({ Cmd: ['before'] }, changes).Cmd).toEqual(command)
})
