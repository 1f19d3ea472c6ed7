import { expect, test } from 'vitest'
import { runLabelCommand } from '../../../src/cli/containers/run-label.js'

const words = (command: string, more: string[] = [], name?: string) =>
  runLabelCommand({ run: command }, { label: 'run', image: 'quay.io/a/web:1', more, name, env: { HOST: '/h' } })

test.each([
  ['podman run --name NAME IMAGE', ['run', '--name', 'web', 'quay.io/a/web:1']],
  [
    '/usr/bin/docker run -e NAME=NAME -e IMAGE=IMAGE IMAGE',
    ['run', '-e', 'NAME=web', '-e', 'IMAGE=quay.io/a/web:1', 'quay.io/a/web:1'],
  ],
  ['tspod run -v $HOST:/x ${IMAGE} $NONE', ['run', '-v', '/h:/x', 'quay.io/a/web:1', '']],
  [
    `podman run IMAGE sh -c "echo 'a  b'" 'c d' e\\ f`,
    ['run', 'quay.io/a/web:1', 'sh', '-c', "echo 'a  b'", 'c d', 'e f'],
  ],
])('%s', (command, expected) => {
  expect(words(command)).toEqual(expected)
})

test('the name and further arguments are those that were given', () => {
  expect(words('podman run --name NAME IMAGE', ['more', 'IMAGE'], 'own')).toEqual([
    'run',
    '--name',
    'own',
    'quay.io/a/web:1',
    'more',
    'IMAGE',
  ])
})

test.each(['rm -rf /', '/bin/sh -c podman', 'podman-evil run', ';podman run'])('%s is refused', (command) => {
  expect(() => words(command)).toThrow(/only commands of podman, docker, tspod/)
})

test('a label that is not there is named', () => {
  expect(() => runLabelCommand({}, { label: 'toString', image: 'x', more: [], env: {} })).toThrow(
    'cannot find the value of label: toString in image: x',
  )
})
