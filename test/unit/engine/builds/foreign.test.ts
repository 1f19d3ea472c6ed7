import { expect, test } from 'vitest'
import { handles } from '../../../../src/engine/builds/foreign.js'

/** As Debian's qemu-user-static registers it, and as the kernel shows it. */
const aarch64 = `enabled
interpreter /usr/bin/qemu-aarch64-static
flags: OCF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
`
const s390x = `enabled
interpreter /usr/bin/qemu-s390x-static
flags: F
offset 0
magic 7f454c4602020100000000000000000000020016
mask ffffffffffffff00fffffffffffffffffffeffff
`

test.each([
  ['its own programs', aarch64, 'arm64', true],
  ['none of another', aarch64, 'arm', false],
  ['those of the other byte order', s390x, 's390x', true],
  ['none, if it is disabled', aarch64.replace('enabled', 'disabled'), 'arm64', false],
  ['none, if it goes by a name', 'enabled\ninterpreter /usr/bin/python\nflags: \nextension .py\n', 'arm64', false],
  ['those of an architecture that nobody knows', aarch64, 'pdp11', false],
])('a handler takes %s', (_, shown, architecture, expected) => {
  expect(handles(shown, architecture)).toBe(expected)
})
