import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from '../../base/id.js'
import type { Paths } from '../../state/paths.js'

const adjectives = [
  'agile', 'amber', 'ample', 'autumn', 'azure', 'balmy', 'blithe', 'bold', 'brave', 'breezy', 'brisk', 'bronze', 'calm',
  'candid', 'cheery', 'civil', 'clear', 'clever', 'cobalt', 'copper', 'cosmic', 'cozy', 'crisp', 'curious', 'dapper',
  'daring', 'deft', 'early', 'earnest', 'eager', 'elated', 'fair', 'fleet', 'fluent', 'fond', 'frank', 'gentle', 'glad',
  'golden', 'grand', 'hardy', 'hearty', 'honest', 'humble', 'ivory', 'jolly', 'jovial', 'keen', 'kind', 'lively',
  'lucid', 'lucky', 'lunar', 'mellow', 'merry', 'mild', 'modest', 'neat', 'nimble', 'noble', 'opal', 'patient', 'plucky',
  'polite', 'proud', 'quick', 'quiet', 'rapid', 'ready', 'robust', 'rustic', 'sage', 'scarlet', 'serene', 'sharp',
  'silent', 'silver', 'sincere', 'sleek', 'smart', 'snug', 'solar', 'sound', 'spry', 'steady', 'stellar', 'stout',
  'sunny', 'swift', 'tidy', 'tranquil', 'trusty', 'upbeat', 'velvet', 'vivid', 'warm', 'wise', 'witty', 'zesty',
]

const surnames = [
  'abel', 'ampere', 'archimedes', 'banneker', 'bardeen', 'bartik', 'berners', 'bohr', 'boole', 'bose', 'boyle', 'brahe',
  'carson', 'cartwright', 'cauchy', 'celsius', 'chandra', 'church', 'clarke', 'copernicus', 'cori', 'curie', 'dalton',
  'darwin', 'davinci', 'dijkstra', 'dirac', 'earhart', 'edwards', 'einstein', 'elion', 'euclid', 'euler', 'faraday',
  'fermat', 'fermi', 'feynman', 'fourier', 'franklin', 'galileo', 'galois', 'gauss', 'germain', 'gibbs', 'goodall',
  'hamilton', 'hamming', 'hertz', 'herschel', 'hilbert', 'hodgkin', 'hooke', 'hopper', 'hubble', 'huygens', 'hypatia',
  'johnson', 'joule', 'kepler', 'khorana', 'knuth', 'kovalevskaya', 'lagrange', 'lamarr', 'leavitt', 'leibniz', 'liskov',
  'lovelace', 'mach', 'maxwell', 'mccarthy', 'mcclintock', 'meitner', 'mendel', 'mendeleev', 'mirzakhani', 'morse',
  'napier', 'newton', 'nobel', 'noether', 'ohm', 'pascal', 'pasteur', 'pauling', 'payne', 'perlman', 'planck', 'ptolemy',
  'raman', 'ride', 'ritchie', 'rubin', 'rutherford', 'sagan', 'shannon', 'somerville', 'tesla', 'turing', 'volta',
  'watt', 'wiles', 'wozniak', 'wu', 'yalow', 'yonath',
]

/** A name that nobody has: `adjective_surname`, with a number once luck runs out. */
export function generateName(paths: Paths): string {
  for (let attempt = 0; ; attempt++) {
    const [first = 0, second = 0, third = 0, fourth = 0] = randomBytes(4)
    const adjective = adjectives[(first * 256 + second) % adjectives.length] ?? 'plain'
    const surname = surnames[(third * 256 + fourth) % surnames.length] ?? 'doe'
    const name = attempt < 5 ? `${adjective}_${surname}` : `${adjective}_${surname}${(first * second) % 1000}`
    if (!existsSync(join(paths.names, name))) return name
  }
}
