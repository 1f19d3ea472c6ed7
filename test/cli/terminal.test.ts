import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { busyboxStore, image } from '../helpers/busybox-store.js'
import { openTerminal, type Terminal } from '../helpers/terminal.js'
import type { TspodStore } from '../helpers/tspod.js'

let tspod: TspodStore
let terminal: Terminal | undefined

beforeAll(async () => {
  tspod = await busyboxStore()
})

afterEach(() => {
  terminal?.[Symbol.dispose]()
})

afterAll(async () => {
  await tspod[Symbol.asyncDispose]()
})

const run = `tspod run -it --network none`
/** A command that says when it is ready, and goes on until a signal ends it. */
const waiting = (trap: string): string => `sh -c '${trap}; echo rea""dy; while :; do read -t 1 x; echo tick; done'`

test('a shell on a terminal has its size, its name and job control, and ends with its status', async () => {
  terminal = openTerminal(tspod, `stty rows 31 cols 97; ${run} --rm ${image} sh`)
  await terminal.until(/# /)
  terminal.type('stty size; tty\n')
  await terminal.until(/31 97\r\n\/dev\/pts\/0\r\n/)
  terminal.type('sleep 1000 &\n')
  await terminal.until(/# /)
  terminal.type('jobs; kill %1\n')
  await terminal.until(/Running +sleep 1000/)
  terminal.type('exit 6\n')
  expect(await terminal.end()).toBe(6)
})

test('a terminal that changes its size tells the command', async () => {
  const fifo = join(tspod.folder, 'resize')
  spawnSync('mkfifo', [fifo])
  const resize = `(read go < ${fifo}; stty -F /dev/tty rows 40 cols 120) &`
  terminal = openTerminal(tspod, `${resize} ${run} --rm ${image} ${waiting('trap "stty size; exit 0" WINCH')}`)
  await terminal.until(/ready/)
  writeFileSync(fifo, 'go\n')
  await terminal.until(/40 120/)
  expect(await terminal.end()).toBe(0)
})

test('Ctrl-C interrupts the command inside, which decides what that means', async () => {
  terminal = openTerminal(tspod, `${run} --rm ${image} ${waiting('trap "echo interrupted; exit 5" INT')}`)
  await terminal.until(/ready/)
  terminal.type('\x03')
  await terminal.until(/interrupted/)
  expect(await terminal.end()).toBe(5)
})

test('Ctrl-C without a container’s terminal goes to the command as well', async () => {
  // The shell of script(1) would be interrupted with it.
  const command = `exec tspod run --rm --network none ${image} ${waiting('trap "echo interrupted; exit 5" INT')}`
  terminal = openTerminal(tspod, command)
  await terminal.until(/ready/)
  terminal.type('\x03')
  await terminal.until(/interrupted/)
  expect(await terminal.end()).toBe(5)
})

test('the terminal is afterwards as it was before', async () => {
  const command = `before=$(stty -g); ${run} --rm ${image} stty raw; test "$before" = "$(stty -g)" && echo rest""ored`
  terminal = openTerminal(tspod, command)
  await terminal.until(/restored/)
  expect(await terminal.end()).toBe(0)
})

test('the detach keys leave the container running; attach comes back to it', async () => {
  terminal = openTerminal(tspod, `${run} --name left ${image} ${waiting('trap "echo interrupted; exit 5" INT')}`)
  await terminal.until(/ready/)
  terminal.type('\x10\x11')
  expect(await terminal.end()).toBe(0)
  expect(await tspod.ok(['ps', '--format', '{{.Names}}'])).toBe('left')
  terminal = openTerminal(tspod, 'tspod attach --detach-keys=ctrl-x,d left')
  await terminal.until(/tick/)
  terminal.type('\x18d')
  expect(await terminal.end()).toBe(0)
  terminal = openTerminal(tspod, 'tspod attach left')
  await terminal.until(/tick/)
  terminal.type('\x03')
  await terminal.until(/interrupted/)
  expect(await terminal.end()).toBe(5)
})

test('a terminal that is not the session’s own (setsid, su -c) is handed over as well', async () => {
  terminal = openTerminal(tspod, `setsid -w ${run} --name apart ${image} ${waiting(':')}; stty`)
  await terminal.until(/ready/)
  terminal.type('\x10\x11')
  await terminal.until(/-brkint|speed/)
  expect(await terminal.end()).toBe(0)
  expect(await tspod.ok(['ps', '--format', '{{.Names}}', '-f', 'name=apart'])).toBe('apart')
  await tspod.ok(['rm', '-f', '-t', '0', 'apart'])
})

test('who comes back to a terminal has it drawn anew', async () => {
  const drawing = waiting('trap "echo drawn" WINCH')
  terminal = openTerminal(tspod, `stty rows 30 cols 90; ${run} --name drawn ${image} ${drawing}`)
  await terminal.until(/ready/)
  terminal.type('\x10\x11')
  expect(await terminal.end()).toBe(0)
  terminal = openTerminal(tspod, 'stty rows 30 cols 90; tspod attach drawn')
  await terminal.until(/drawn/)
  terminal.type('\x10\x11')
  expect(await terminal.end()).toBe(0)
  expect(await tspod.ok(['exec', 'drawn', 'stty', '-F', '/proc/1/fd/0', 'size'])).toBe('30 90')
  await tspod.ok(['rm', '-f', '-t', '0', 'drawn'])
})

test('exec has a terminal of its own in a container without one', async () => {
  await tspod.ok(['run', '-d', '--name', 'plain', '--network', 'none', image, 'sleep', '1000'])
  terminal = openTerminal(tspod, 'stty rows 20 cols 60; tspod exec -it plain sh')
  await terminal.until(/# /)
  terminal.type('stty size; exit 4\n')
  await terminal.until(/20 60/)
  expect(await terminal.end()).toBe(4)
})

test('a terminal that hangs up ends the client and leaves the container', async () => {
  terminal = openTerminal(tspod, `${run} --name hung ${image} ${waiting(':')}`)
  await terminal.until(/ready/)
  terminal[Symbol.dispose]()
  await terminal.end()
  expect(await tspod.ok(['ps', '--filter', 'name=hung', '--format', '{{.Names}}'])).toBe('hung')
  await tspod.ok(['rm', '-f', '-t', '0', 'hung'])
})

test('a job in the background runs to its end', async () => {
  terminal = openTerminal(tspod, `set -m; tspod run --rm --network none ${image} echo ba""ck & wait $!; echo status $?`)
  await terminal.until(/back/)
  await terminal.until(/status 0/)
  expect(await terminal.end()).toBe(0)
})
