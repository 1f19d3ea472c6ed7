import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runtime } from '../helpers/bundle.js'

/** `tspod-runtime seccomp`: a profile of the OCI on its input, the compiled filter on its output. */
function compile(profile: unknown) {
  const input = typeof profile === 'string' ? profile : JSON.stringify(profile)
  return spawnSync(runtime, ['seccomp'], { input, timeout: 30_000 })
}

const missing = existsSync(runtime) ? '' : ' (needs native/build/tspod-runtime)'

describe.skipIf(missing !== '')(`the verb seccomp${missing}`, () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [{ names: ['read', 'write', 'exit_group'], action: 'SCMP_ACT_ALLOW' }],
  }

  test('writes whole instructions, the same for the same profile', () => {
    const [first, second] = [compile(profile), compile(profile)]
    expect(first.status).toBe(0)
    expect(first.stdout.length).toBeGreaterThan(0)
    expect(first.stdout.length % 8).toBe(0)
    expect(first.stdout.equals(second.stdout)).toBe(true)
  })

  test.each(['', 'not JSON', '[]', '{"defaultAction":"SCMP_ACT_NONSENSE"}'])('refuses %j and writes nothing', (text) => {
    const { status, stdout, stderr } = compile(text)
    expect(status).not.toBe(0)
    expect(stdout.length).toBe(0)
    expect(stderr.toString()).toMatch(/^tspod-runtime: /)
  })

  test('refuses more than it would ever need to read', () => {
    const { status, stdout } = compile(' '.repeat(32 << 20))
    expect(status).not.toBe(0)
    expect(stdout.length).toBe(0)
  })
})
