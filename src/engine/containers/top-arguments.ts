import { TspodError } from '../../base/errors.js'

/**
 * What follows the container's name in `top`, as descriptors. Docker hands it to the host's ps(1) and Podman, too, unless
 * it knows the words; here ps(1) is never run, so what people ask of it is understood: `aux`, `-ef`, `-o pid,args`.
 */
export function topArguments(words: readonly string[]): readonly string[] {
  const [first = ''] = words
  if (first.startsWith('-') || layouts.has(first)) return psArguments(words)
  return words.flatMap((word) => word.split(','))
}

const layouts: ReadonlyMap<string, readonly string[]> = new Map(
  ['u', 'au', 'xu', 'ux', 'aux', 'axu', 'uax', 'uxa', 'auxw', 'auxww'].map((name) => [
    name,
    ['user', 'pid', 'pcpu', 'vsz', 'rss', 'tty', 'state', 'stime', 'time', 'args'],
  ]),
)
const full = ['user', 'pid', 'ppid', 'pcpu', 'stime', 'tty', 'time', 'args']
const short = ['pid', 'tty', 'time', 'comm']

/** Letters that choose processes, or widths: all of a container's are shown, and whole. */
const withoutEffect = /^[AadeNxw]$/

function psArguments(words: readonly string[]): readonly string[] {
  let layout: readonly string[] | undefined
  const chosen: string[] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    const named = layouts.get(word.replace(/^-/, ''))
    if (named !== undefined) layout = named
    else {
      const { list, isFull } = psOption(word)
      if (isFull) layout = full
      if (list !== undefined) chosen.push(...(list === '' ? (words[++index] ?? '') : list).split(/[,\s]+/))
    }
  }
  const names = chosen.filter((name) => name !== '').map(descriptorOf)
  return names.length > 0 ? names : (layout ?? short)
}

/** `-ef`, `-eo pid,args`, `--format=pid`: whether it asks for the long listing, and the list (empty: the next word). */
function psOption(word: string): { readonly list?: string; readonly isFull: boolean } {
  const long = /^--format(?:=(.*))?$/s.exec(word)
  if (long) return { list: long[1] ?? '', isFull: false }
  const letters = /^-([A-Za-z]+)/.exec(word)?.[1] ?? ''
  let isFull = false
  for (const [index, letter] of [...letters].entries()) {
    if (letter === 'o') return { list: word.slice(index + 2), isFull }
    if (letter === 'f' || letter === 'F') isFull = true
    else if (!withoutEffect.test(letter)) throw unknownOption(word)
  }
  if (letters === '') throw unknownOption(word)
  return { isFull }
}

/** ps(1)'s other names of the same. A heading (`pid=ID`) is ours all the same. */
function descriptorOf(text: string): string {
  const name = text.replace(/=.*$/s, '').toLowerCase()
  return others[name] ?? name
}

const others: Readonly<Partial<Record<string, string>>> = {
  '%cpu': 'pcpu',
  cmd: 'args',
  command: 'args',
  context: 'label',
  cputime: 'time',
  egroup: 'group',
  euser: 'user',
  lstart: 'stime',
  ni: 'nice',
  pgrp: 'pgid',
  rssize: 'rss',
  rsz: 'rss',
  s: 'state',
  start: 'stime',
  start_time: 'stime',
  stat: 'state',
  tname: 'tty',
  tt: 'tty',
  ucmd: 'comm',
  ucomm: 'comm',
  uname: 'user',
  vsize: 'vsz',
}

function unknownOption(word: string): TspodError {
  return new TspodError(
    'invalid-argument',
    `unknown option "${word}": tspod executes no ps(1); it knows aux, -ef and -o DESCRIPTOR,…`,
  )
}
