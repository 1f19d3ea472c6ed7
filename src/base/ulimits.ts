/** What setrlimit(2) limits, as `ulimit` options name it: RLIMIT_NOFILE is `nofile`. */
export const ulimitNames: readonly string[] = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]
