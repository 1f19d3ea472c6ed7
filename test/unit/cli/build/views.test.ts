import { describe, expect, test } from 'vitest'
import { plainView } from '../../../../src/cli/build/plain-view.js'
import { rawJsonView } from '../../../../src/cli/build/raw-json-view.js'
import { terminalView } from '../../../../src/cli/build/terminal-view.js'
import { formatWarnings, type BuildView } from '../../../../src/cli/build/view.js'
import type { BuildEvent } from '../../../../src/index.js'

type Timed = readonly [at: number, event: BuildEvent | 'tick']

const started = (step: number, name: string): BuildEvent => ({ type: 'step-started', step, name })
const output = (step: number, text: string, stream: 'stdout' | 'stderr' = 'stdout'): BuildEvent => ({
  type: 'step-output',
  step,
  stream,
  bytes: Buffer.from(text),
})
const finished = (step: number, duration: number, more: { cached?: boolean; error?: string } = {}): BuildEvent => ({
  type: 'step-finished',
  step,
  duration,
  cached: false,
  ...more,
})
const part = (step: number, id: string, current: number, total?: number): BuildEvent => ({
  type: 'step-progress',
  step,
  id,
  current,
  ...(total === undefined ? {} : { total }),
})
const warning: BuildEvent = {
  type: 'warning',
  rule: 'StageNameCasing',
  message: "Stage name 'A' should be lowercase",
  line: 1,
}

function shown(view: BuildView, events: readonly Timed[]): string {
  const text = events.map(([at, event]) => (event === 'tick' ? view.tick(at) : view.event(event, at)))
  return text.join('') + view.end(events.at(-1)?.[0] ?? 0)
}

describe('plain', () => {
  test.each<[string, readonly Timed[], string]>([
    ['nothing for nothing', [], ''],
    [
      'a step, its output with times, and how long it took',
      [
        [0, started(1, '[1/2] FROM busybox')],
        [10, finished(1, 10)],
        [10, started(2, '[2/2] RUN make')],
        [510, output(2, 'one\ntw')],
        [700, output(2, 'o\r\nend')],
        [1210, finished(2, 1200)],
      ],
      '#1 [1/2] FROM busybox\n#1 DONE 0.0s\n\n#2 [2/2] RUN make\n#2 0.500 one\n#2 0.690 two\n#2 1.200 end\n#2 DONE 1.2s\n',
    ],
    [
      'what was there and what failed',
      [
        [0, started(1, 'RUN a')],
        [0, finished(1, 0, { cached: true })],
        [0, started(2, 'RUN b')],
        [100, finished(2, 100, { error: 'exit status 1' })],
      ],
      '#1 RUN a\n#1 CACHED\n\n#2 RUN b\n#2 ERROR: exit status 1\n',
    ],
    [
      'steps side by side in blocks: the other one waits until this one is over',
      [
        [0, started(1, 'RUN a')],
        [0, started(2, 'RUN b')],
        [100, output(1, 'a1\n')],
        [110, output(2, 'b1\n')],
        [120, output(1, 'a2\n')],
        [200, finished(1, 200)],
        [300, finished(2, 300)],
      ],
      '#1 RUN a\n#1 0.100 a1\n#1 0.120 a2\n#1 DONE 0.2s\n\n#2 RUN b\n#2 0.110 b1\n#2 DONE 0.3s\n',
    ],
    [
      'another step after a while, though this one goes on',
      [
        [0, started(1, 'RUN a')],
        [0, started(2, 'RUN b')],
        [100, output(2, 'b1\n')],
        [1000, 'tick'],
        [2200, 'tick'],
        [2300, output(1, 'a1\n')],
        [2400, finished(2, 2400)],
        [2500, finished(1, 2500)],
      ],
      '#1 RUN a\n#1 ...\n\n#2 RUN b\n#2 0.100 b1\n#2 DONE 2.4s\n\n#1 RUN a\n#1 2.300 a1\n#1 DONE 2.5s\n',
    ],
    [
      'a part when it is over, and from time to time when it takes long',
      [
        [0, started(1, 'FROM x')],
        [0, part(1, 'layer', 0, 2e6)],
        [100, part(1, 'layer', 1e6, 2e6)],
        [5200, part(1, 'layer', 1.5e6, 2e6)],
        [5300, part(1, 'layer', 2e6, 2e6)],
        [5400, part(1, 'layer', 2e6, 2e6)],
        [5500, finished(1, 5500)],
      ],
      '#1 FROM x\n#1 layer 1.5MB / 2MB\n#1 layer 2MB / 2MB done\n#1 DONE 5.5s\n',
    ],
    [
      'warnings at the end',
      [
        [0, started(1, 'RUN a')],
        [0, warning],
        [0, finished(1, 0)],
      ],
      "#1 RUN a\n#1 DONE 0.0s\n\n 1 warning found:\n - StageNameCasing: Stage name 'A' should be lowercase (line 1)\n",
    ],
    [
      'what waits when the build ends',
      [
        [0, started(1, 'a')],
        [0, started(2, 'b')],
        [1, output(2, 'x\n')],
      ],
      '#1 a\n#1 ...\n\n#2 b\n#2 0.001 x\n',
    ],
  ])('shows %s', (_, events, text) => {
    expect(shown(plainView(), events)).toBe(text)
  })

  test('loses no line of two talkative steps, however they are mixed', () => {
    const events: Timed[] = [
      [0, started(1, 'a')],
      [0, started(2, 'b')],
    ]
    for (let number = 0; number < 200; number++)
      events.push([number * 50, output(1 + (number % 2), `n${String(number)}\n`)])
    events.push([10_000, finished(2, 1)], [10_000, finished(1, 1)])
    const lines = shown(plainView(), events)
      .split('\n')
      .filter((line) => / n\d+$/.test(line))
    const numbers = lines.map((line) => Number(/ n(\d+)$/.exec(line)?.[1])).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, number) => number))
  })

  test('characters that come in halves are whole', () => {
    const bytes = Buffer.from('ü\n')
    const events: Timed[] = [
      [0, started(1, 'a')],
      [0, { type: 'step-output', step: 1, stream: 'stdout', bytes: bytes.subarray(0, 1) }],
      [0, { type: 'step-output', step: 1, stream: 'stdout', bytes: bytes.subarray(1) }],
    ]
    expect(shown(plainView(), events)).toBe('#1 a\n#1 0.000 ü\n')
  })
})

describe('rawjson', () => {
  test("has a line for each event in the form of BuildKit's status", () => {
    const text = shown(rawJsonView(), [
      [0, started(1, 'RUN a')],
      [1, output(1, 'x', 'stderr')],
      [2, part(1, 'layer', 5, 5)],
      [3, warning],
      [4, finished(1, 4, { error: 'no' })],
    ])
    const vertex = `sha256:${'1'.padStart(64, '0')}`
    const time = (at: number) => `1970-01-01T00:00:00.00${String(at)}Z`
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(lines).toEqual([
      { vertexes: [{ digest: vertex, name: 'RUN a', started: time(0) }] },
      { logs: [{ vertex, stream: 2, data: 'eA==', timestamp: time(1) }] },
      {
        statuses: [
          {
            id: 'layer',
            vertex,
            name: 'layer',
            total: 5,
            current: 5,
            timestamp: time(2),
            started: time(0),
            completed: time(2),
          },
        ],
      },
      {
        warnings: [
          {
            level: 1,
            short: Buffer.from("StageNameCasing: Stage name 'A' should be lowercase").toString('base64'),
            range: [{ start: { line: 1 }, end: { line: 1 } }],
          },
        ],
      },
      { vertexes: [{ digest: vertex, name: 'RUN a', started: time(0), completed: time(4), error: 'no' }] },
    ])
  })
})

/** What a terminal shows after these bytes: as much of one as the view uses. */
function screen(bytes: string): string[] {
  const lines: string[] = ['']
  let row = 0
  for (const [token] of bytes.matchAll(/\u001b\[(\d*)([A-Za-z])|[^]/g)) {
    const up = /^\u001b\[(\d+)A$/.exec(token)
    if (up) {
      row -= Number(up[1])
      lines[row] = ''
    } else if (token === '\u001b[J') lines.length = row + 1
    else if (token === '\u001b[K' || token.startsWith('\u001b')) continue
    else if (token === '\r') lines[row] = ''
    else if (token === '\n') {
      row += 1
      lines[row] = ''
    } else lines[row] = (lines[row] ?? '') + token
  }
  return lines.slice(0, -1)
}

describe('tty', () => {
  const view = (columns: number, rows: number) => terminalView(() => ({ columns, rows }), { colour: false })

  test('is a picture of all steps, drawn over the last one', () => {
    const text = shown(view(40, 24), [
      [0, started(1, '[1/2] FROM busybox')],
      [100, finished(1, 100, { cached: true })],
      [200, started(2, '[2/2] RUN make')],
      [1400, output(2, 'compiling\nlinking\n')],
      [1500, 'tick'],
    ])
    const beforeEnd = text.slice(0, text.lastIndexOf('\r'))
    expect(screen(beforeEnd)).toEqual([
      '[+] Building 1.5s (1/2)',
      ' => CACHED [1/2] FROM busybox      0.1s',
      ' => [2/2] RUN make                 1.3s',
      ' => => # compiling',
      ' => => # linking',
    ])
    expect(screen(text)).toEqual([
      '[+] Building 1.5s (1/2) FINISHED',
      ' => CACHED [1/2] FROM busybox      0.1s',
      ' => [2/2] RUN make                 1.3s',
    ])
  })

  test('is never higher than the terminal, and finished steps make room', () => {
    const events: Timed[] = []
    for (let step = 1; step <= 30; step++) {
      events.push([step, started(step, `RUN ${String(step)}`)])
      if (step < 30) events.push([step, finished(step, 0)])
    }
    events.push([900, output(30, 'one\ntwo\nthree\n')], [1000, 'tick'])
    const live = view(40, 10)
    const pictures = events.map(([at, event]) => (event === 'tick' ? live.tick(at) : live.event(event, at)))
    for (const picture of pictures) expect(picture.split('\n').length).toBeLessThanOrEqual(10)
    expect(screen(pictures.join('')).slice(-4)).toEqual([
      ` => RUN 30                         1.0s`,
      ' => => # one',
      ' => => # two',
      ' => => # three',
    ])
    expect(screen(pictures.join('') + live.end(1000)).length).toBe(31)
  })

  test.each<[string, string]>([
    ['\u001b[2Jclear', 'clear'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['10%\r20%\r30%', '30%'],
    ['a\u0007\u0000\u007fb', 'ab'],
    ['a\tb', 'a    b'],
    ['\u009b5mx\u202ey', 'xy'],
    ['\u001bPq…\u001b\\after', 'after'],
    ['\u001b7save', 'save'],
  ])('shows output %j as %j: nothing in it reaches the terminal', (written, expected) => {
    const text = shown(view(60, 24), [
      [0, started(1, 'RUN x')],
      [200, output(1, `${written}\n`)],
    ])
    const last = text.slice(0, text.lastIndexOf('\r'))
    expect(screen(last).at(-1)).toBe(` => => # ${expected}`)
  })

  test('shows a line that is not over yet, as it was overwritten last', () => {
    const text = shown(view(60, 24), [
      [0, started(1, 'RUN wget')],
      [200, output(1, 'begin\n 10%\r 20%', 'stderr')],
    ])
    expect(screen(text.slice(0, text.lastIndexOf('\r'))).slice(-2)).toEqual([' => => # begin', ' => => #  20%'])
  })

  test('cuts what is too wide, by the columns that it takes', () => {
    const text = shown(view(20, 24), [
      [0, started(1, '日本語日本語日本語日本語')],
      [200, output(1, `${'x'.repeat(300)}\n`)],
    ])
    const [, step = '', line = ''] = screen(text.slice(0, text.lastIndexOf('\r')))
    expect(step).toBe(' => 日本語日…  0.2s')
    expect(line).toBe(' => => # xxxxxxxxx…')
  })
})

test('a warning of no line is said to be of none', () => {
  expect(
    formatWarnings([
      { type: 'warning', message: 'a' },
      { type: 'warning', message: 'b', line: 2 },
    ]),
  ).toBe('\n 2 warnings found:\n - a\n - b (line 2)\n')
})
