import { describe, expect, test } from 'vitest'
import { applyToConfig, isMetadata, type Evaluation } from '../../../../src/build/dockerfile/evaluate.js'
import { copyStep, type CopyStep } from '../../../../src/build/dockerfile/copy-step.js'
import { parseDockerfile } from '../../../../src/build/dockerfile/parse.js'
import { runStep, type RunStep } from '../../../../src/build/dockerfile/run-step.js'
import { startFromImage } from '../../../../src/build/dockerfile/stage-state.js'

/** The last of these lines as a step, in the state that the ones before it make. */
function step(lines: string): RunStep | CopyStep {
  const file = parseDockerfile(`FROM base\n${lines}\n`, 'Dockerfile')
  const evaluation: Evaluation = { filename: 'Dockerfile', escape: file.escape, globals: new Map(), buildArgs: {} }
  let { state } = startFromImage({ Env: ['PATH=/bin'] })
  for (const instruction of file.stages[0]?.instructions ?? []) {
    if (instruction.kind === 'RUN') return runStep(state, instruction, evaluation)
    if (instruction.kind === 'COPY' || instruction.kind === 'ADD') return copyStep(state, instruction, evaluation)
    if (isMetadata(instruction)) ({ state } = applyToConfig(state, instruction, evaluation))
  }
  throw new Error('no step')
}

const sh = (text: string) => ['/bin/sh', '-c', text]

describe('RUN', () => {
  const cases: [lines: string, expected: Partial<RunStep>][] = [
    ['RUN a $b "c"', { argv: sh('a $b "c"'), script: undefined, createdBy: 'RUN /bin/sh -c a $b "c"' }],
    ['RUN ["a", "$b"]', { argv: ['a', '$b'], createdBy: 'RUN a $b' }],
    ['RUN', { argv: sh('') }],
    ['SHELL ["bash", "-c"]\nRUN a', { argv: ['bash', '-c', 'a'] }],
    ['RUN <<X\na\nb\nX', { argv: sh('a\nb\n') }],
    ['RUN <<-X\n\ta\n\tb\n\tX', { argv: sh('a\nb\n') }],
    ['RUN cat <<X >f && cat <<-"Y"\n$a\nX\n\t$b\nY', { argv: sh('cat <<X >f && cat <<-"Y"\n$a\nX\n$b\nY') }],
    [
      'RUN <<x.py\n#!/usr/bin/python3\nprint(1)\nx.py',
      {
        argv: ['/dev/pipes/x.py'],
        script: { path: '/dev/pipes/x.py', content: '#!/usr/bin/python3\nprint(1)\n' },
        createdBy: 'RUN /dev/pipes/x.py',
      },
    ],
    ['RUN <<X cat\n#!y\nX', { argv: sh('<<X cat\n#!y\nX') }],
    [
      'ARG v=1\nENV w=2\nARG x\nRUN a',
      { environment: ['PATH=/bin', 'v=1', 'w=2'], createdBy: 'RUN |2 v=1 x= /bin/sh -c a' },
    ],
    ['USER me\nWORKDIR /w\nRUN a', { user: 'me', workdir: '/w' }],
    ['RUN a', { workdir: '/', user: undefined, network: 'default', security: 'sandbox', devices: [], mounts: [] }],
    ['RUN --network=none --security=insecure a', { network: 'none', security: 'insecure' }],
    [
      'RUN --device=vendor.com/gpu=0 --device=name=a,required --device=b,required=false x',
      {
        devices: [
          { name: 'vendor.com/gpu=0', required: false },
          { name: 'a', required: true },
          { name: 'b', required: false },
        ],
      },
    ],
  ]
  test.each(cases)('%j', (lines, expected) => {
    expect(step(lines)).toMatchObject(expected)
  })
})

describe('RUN --mount', () => {
  const owner = (mode: number, uid = 0, gid = 0) => ({ uid, gid, mode })
  const cases: [option: string, expected: object][] = [
    ['target=/a', { type: 'bind', from: undefined, source: '/', target: '/a', readOnly: true }],
    [
      'type=bind,from=x,source=../a/./b,dst=c,rw',
      { type: 'bind', from: 'x', source: '/a/b', target: '/app/c', readOnly: false },
    ],
    ['type=bind,target=/a,readonly=false,z,relabel=shared', { readOnly: false }],
    ['type=bind,target=/a,rw,bind-propagation=rslave,Z', { readOnly: false }],
    ['target=/a,rw,ro', { readOnly: true }],
    ['"target=/a,b"', { target: '/a,b' }],
    [
      'type=cache,target=/root/.cache/',
      {
        type: 'cache',
        id: '/root/.cache/',
        from: undefined,
        source: '/',
        target: '/root/.cache',
        readOnly: false,
        sharing: 'shared',
        owner: owner(0o755),
      },
    ],
    [
      'type=CACHE,id=$I,target=$T,sharing=Locked,uid=1,gid=2,mode=0700,ro,from=s,source=x',
      { id: 'i', target: '/t', sharing: 'locked', owner: owner(0o700, 1, 2), readOnly: true, from: 's', source: '/x' },
    ],
    ['type=tmpfs,target=/a', { type: 'tmpfs', target: '/a', readOnly: false, size: 0, mode: undefined }],
    ['type=tmpfs,target=/a,size=64m', { size: 64 << 20 }],
    [
      'type=secret,id=a/b',
      { type: 'secret', id: 'a/b', target: '/run/secrets/b', env: undefined, required: false, owner: owner(0o400) },
    ],
    ['type=secret,target=/x/y,required,mode=0444', { id: 'y', target: '/x/y', required: true, owner: owner(0o444) }],
    ['type=secret,id=a,env=B', { id: 'a', target: undefined, env: 'B' }],
    ['type=secret,id=a,env=', { env: 'a' }],
    ['required=true,type=secret,src=a,env=B,target=c', { id: 'a', target: '/app/c', env: 'B', required: true }],
    ['type=ssh', { type: 'ssh', id: 'default', target: undefined, required: false, owner: owner(0o600) }],
    ['type=ssh,id=a,target=/s,required=false,uid=5', { id: 'a', target: '/s', owner: owner(0o600, 5) }],
  ]
  test.each(cases)('%s', (option, expected) => {
    const run = step(`ENV I=i T=/t\nWORKDIR /app\nRUN --mount=${option.replaceAll('"', '\\"')} x`)
    expect('mounts' in run ? run.mounts : []).toMatchObject([expected])
  })

  const refused: [option: string, message: string][] = [
    ['type=x,target=/a', 'unsupported mount type "x"'],
    ['type=bnd,target=/a', 'unsupported mount type "bnd" (did you mean bind?)'],
    ['type=bind,tagret=/a', 'unexpected key "tagret" in "type=bind,tagret=/a" (did you mean target?)'],
    ['type=bind', 'invalid mount target "/"'],
    ['type=cache,target=/', 'invalid mount target "/"'],
    ['type=bind,target', 'invalid field "target" must be a key=value pair'],
    ['type=bind,,target=/a', 'invalid field "" must be a key=value pair'],
    ['type=bind,target=/a,ro=maybe', 'invalid value for readonly: maybe'],
    ['type=bind,target=/a,uid=1', 'unexpected key "uid" for mount type "bind"'],
    ['type=bind,target=/a,size=1', 'unexpected key "size" for mount type "bind"'],
    ['type=bind,target=/a,required', 'unexpected key "required" for mount type "bind"'],
    ['type=tmpfs,target=/a,size=x', 'invalid value for size: x'],
    ['type=tmpfs,target=/a,sharing=shared', 'unexpected key "sharing" for mount type "tmpfs"'],
    ['type=cache,target=/a,sharing=some', 'unsupported sharing value "some"'],
    ['type=cache,target=/a,mode=9', 'invalid value 9 for mode'],
    ['type=cache,target=/a,uid=-1', 'invalid value -1 for uid'],
    ['type=secret', 'invalid secret mount: one of source, target required'],
    ['type=secret,id=a,src=b', `both source and id can't be set`],
    ['type=secret,id=a,from=b', 'unexpected key "from" for mount type "secret"'],
    ['type=ssh,source=a', 'unexpected key "source" for mount type "ssh"'],
    ['type=bind,target=/${a', 'unsupported modifier () in substitution'],
  ]
  test.each(refused)('%s is refused', (option, message) => {
    expect(() => step(`RUN --mount=${option} x`)).toThrow(`Dockerfile:2: ${message}`)
  })

  test.each([
    ['RUN --network=bridge x', 'invalid network mode "bridge": choose one of default, none, host'],
    ['RUN --security=none x', 'invalid security mode "none": choose one of sandbox, insecure'],
    ['RUN --device=a,b x', 'unexpected "b" in device "a,b"'],
    ['RUN <<../x\n#!y\n../x', `a script can't be called "../x"`],
  ])('%j: %s', (line, message) => {
    expect(() => step(line)).toThrow(`Dockerfile:2: ${message}`)
  })
})

describe('COPY and ADD', () => {
  const cases: [lines: string, expected: Partial<CopyStep>][] = [
    [
      'COPY a b /c',
      {
        kind: 'COPY',
        from: undefined,
        sources: ['a', 'b'],
        files: [],
        destination: '/c',
        chown: undefined,
        chmod: undefined,
        link: false,
        parents: false,
        exclude: [],
        checksum: undefined,
        keepGitDir: undefined,
        unpack: undefined,
        createdBy: 'COPY a b /c',
      },
    ],
    ['WORKDIR /w\nCOPY a b', { destination: '/w/b' }],
    ['WORKDIR /w\nCOPY a b/', { destination: '/w/b/' }],
    ['WORKDIR /w\nCOPY a .', { destination: '/w/' }],
    ['WORKDIR /w\nCOPY a ./', { destination: '/w/' }],
    ['WORKDIR /w\nCOPY a ..', { destination: '/' }],
    ['WORKDIR /w\nCOPY a ../../x/.', { destination: '/x/' }],
    ['COPY a .', { destination: '/' }],
    ['ENV d=x\nCOPY ${d}/* "$d"/', { sources: ['x/*'], destination: '/x/' }],
    [
      'ENV o=1:2\nCOPY --from=s --chown=$o --chmod=u=rwX,go-w --link --parents --exclude=*.$o --exclude=b a /c',
      {
        from: 's',
        chown: '1:2',
        chmod: 'u=rwX,go-w',
        link: true,
        parents: true,
        exclude: ['*.$o', 'b'],
        createdBy: 'COPY --parents --chown=1:2 --chmod=u=rwX,go-w a /c',
      },
    ],
    ['COPY --chmod=0755 --link=false a b', { chmod: '0755', link: false }],
    ['COPY --from= --chown= a b', { from: undefined, chown: undefined }],
    [
      'ENV v=1\nCOPY <<A <<"B" c /d/\n$v \'$v\' "\\$v" ${w:-x}\nA\n$v\nB',
      {
        sources: ['c'],
        files: [
          { name: 'A', content: '1 \'1\' "$v" x\n' },
          { name: 'B', content: '$v\n' },
        ],
        createdBy: 'COPY c <<A <<B /d/',
      },
    ],
    [
      'ENV s=sha256:00\nADD --checksum=$s --keep-git-dir --unpack=false https://x/$s /',
      { kind: 'ADD', checksum: 'sha256:00', keepGitDir: true, unpack: false, sources: ['https://x/sha256:00'] },
    ],
  ]
  test.each(cases)('%j', (lines, expected) => {
    expect(step(lines)).toMatchObject(expected)
  })

  const refused: [line: string, message: string][] = [
    ['COPY --from=$x a b', 'variable expansion is not supported for --from'],
    ['COPY --chmod=9 a b', 'invalid chmod parameter: "9"'],
    ['COPY --chmod=17777 a b', 'invalid chmod parameter: "17777"'],
    ['COPY --chmod=u%r a b', 'invalid chmod parameter: "u%r"'],
    ['ADD --checksum=sha256:00 a b c', `checksum can't be specified for multiple sources`],
    ['COPY a ${x?no}', 'x: no'],
  ]
  test.each(refused)('%j: %s', (line, message) => {
    expect(() => step(line)).toThrow(`Dockerfile:2: ${message}`)
  })
})
