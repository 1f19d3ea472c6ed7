import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'

/** Repositories behind HTTP: `URL/smart/NAME.git` by git's own CGI, `URL/dumb/NAME.git` as files. */
export interface GitServer extends AsyncDisposable {
  readonly url: string
  /** What was asked for, `GET /smart/…`. */
  readonly requests: string[]
  /** Runs git on the bare repository NAME through a work tree; makes both first. Answers the output. */
  git(name: string, ...args: string[]): string
  /** The work tree, whose commits `publish` hands over. */
  tree(name: string): string
  /** Commits all that is in the work tree; answers the commit. */
  publish(name: string): string
}

const identity = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' }
const env = { PATH: process.env['PATH'], HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', ...identity }

/** `folder`: empty; the repositories lie there. */
export async function startGitServer(folder: string): Promise<GitServer> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`)
    const { pathname } = new URL(request.url ?? '/', 'http://git')
    if (pathname.startsWith('/smart/')) void byCgi(folder, request, response)
    else asFile(folder, pathname.replace(/^\/dumb/, ''), response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const git = (name: string, ...args: string[]): string => {
    const [bare, tree] = [join(folder, `${name}.git`), join(folder, name)]
    if (!existsSync(bare)) {
      mkdirSync(tree)
      execFileSync('git', ['init', '-q', '-b', 'main', '--bare', bare], { env })
      execFileSync('git', ['-C', bare, 'config', 'http.receivepack', 'false'], { env })
      execFileSync('git', ['init', '-q', '-b', 'main', tree], { env })
      execFileSync('git', ['-C', tree, 'remote', 'add', 'origin', bare], { env })
    }
    return execFileSync('git', ['-C', tree, ...args], { env, encoding: 'utf8', stdio: 'pipe' }).trim()
  }
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    git,
    tree(name) {
      git(name, 'status')
      return join(folder, name)
    },
    publish(name) {
      git(name, 'add', '-A')
      git(name, 'commit', '-qm', 'change', '--allow-empty')
      git(name, 'push', '-q', '--force', 'origin', 'HEAD:main', '--tags')
      execFileSync('git', ['-C', join(folder, `${name}.git`), 'update-server-info'], { env })
      return git(name, 'rev-parse', 'HEAD')
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function asFile(folder: string, pathname: string, response: ServerResponse): void {
  const path = join(folder, normalize(pathname))
  if (!existsSync(path)) response.writeHead(404).end()
  else response.end(readFileSync(path))
}

/** git-http-backend(1), which speaks CGI: a header's end is an empty line. */
async function byCgi(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://git')
  const backend = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...env,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname.replace(/^\/smart/, ''),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
    },
  })
  backend.stdin.on('error', () => undefined)
  request.pipe(backend.stdin)
  const chunks: Buffer[] = []
  for await (const chunk of backend.stdout) chunks.push(chunk as Buffer)
  const whole = Buffer.concat(chunks)
  const end = whole.indexOf('\r\n\r\n')
  const headers = whole
    .toString('latin1', 0, end)
    .split('\r\n')
    .map((line) => line.split(': ', 2) as [string, string])
  const status = Number(headers.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200)
  response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')))
  response.end(whole.subarray(end + 4))
}
