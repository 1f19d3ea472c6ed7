import { invalid } from './value.js'

/** Options of which at most one may stand, as rows. */
const exclusive: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable'],
  ['z', 'Z'],
  ['dev', 'nodev'],
  ['exec', 'noexec'],
  ['suid', 'nosuid'],
  ['bind', 'rbind'],
  ['copy', 'nocopy'],
  ['O', 'U'],
]

const plain = new Set([
  ...exclusive.flat(),
  'no-dereference',
  'idmap',
  'atime',
  'noatime',
  'relatime',
  'norelatime',
  'strictatime',
  'diratime',
  'nodiratime',
  'sync',
  'async',
  'mand',
  'nomand',
  'nosymfollow',
])

/** What may follow in `-v SOURCE:TARGET:OPTIONS`. */
export function parseVolumeOptions(text: string, whole: string): string[] {
  const options = text.split(',').filter((option) => option !== '')
  for (const option of options) {
    if (plain.has(option) || /^idmap=|^(?:upperdir|workdir)=\//.test(option)) continue
    throw invalid(`invalid option "${option}" in "${whole}"`)
  }
  return requireCompatible(options, whole)
}

/** What tmpfs(5) takes, and Podman's own `tmpcopyup`, `U`. */
export function parseTmpfsOptions(text: string, whole: string): string[] {
  const options = text.split(',').filter((option) => option !== '')
  for (const option of options) {
    if (
      plain.has(option) ||
      /^(?:size=\d+[kmgt%]?|nr_inodes=\d+[kmg]?|nr_blocks=\d+[kmg]?|mode=[0-7]{1,5}|[ug]id=\d+|huge=\w+|noswap|tmpcopyup|notmpcopyup)$/i.test(
        option,
      )
    )
      continue
    throw invalid(`invalid tmpfs option "${option}" in "${whole}"`)
  }
  return requireCompatible(options, whole)
}

export function requireCompatible(options: readonly string[], whole: string): string[] {
  for (const group of exclusive) {
    const found = [...new Set(options.filter((option) => group.includes(option)))]
    if (found.length > 1) throw invalid(`"${found.join('" and "')}" in "${whole}" exclude each other`)
  }
  return [...new Set(options)]
}
