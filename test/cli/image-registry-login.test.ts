import { chmod, copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeCertificates } from '../helpers/certificates.js'
import { startRegistry, type RegistryProcess } from '../helpers/registry-process.js'
import { startTestRegistry } from '../helpers/registry.js'
import { startTokenServer } from '../helpers/token-server.js'
import { tarArchive } from '../helpers/tar.js'
import { openTerminal } from '../helpers/terminal.js'
import { tspodStore, type TspodStore } from '../helpers/tspod.js'

/** bcrypt of PASSWORD for bob, as `htpasswd -nbB` writes it. */
const htpasswd = 'bob:$2y$05$4Ms.MbdZewqikjq8ljcwAe0F2iTTkFgSoRKSutu56h8/M9ocvNqCC\n'
const password = 'sécret:1'

let store: TspodStore
let registry: RegistryProcess

async function startWithLogins(http: Readonly<Record<string, unknown>> = {}): Promise<RegistryProcess> {
  const file = join(store.folder, 'htpasswd')
  await writeFile(file, htpasswd)
  return startRegistry(`auth: {htpasswd: {realm: test, path: ${file}}}`, http)
}

/** An image of one file in the store, without a registry. */
async function imported(name: string): Promise<string> {
  return store.ok(['import', '-q', '-', name], { input: tarArchive([{ path: 'file', content: name }]) })
}

const authFile = (): string => join(store.folder, 'auth.json')
const withAuth = (): { env: Record<string, string> } => ({ env: { REGISTRY_AUTH_FILE: authFile() } })

beforeEach(async () => {
  store = await tspodStore()
})

afterEach(async () => {
  await store[Symbol.asyncDispose]()
})

describe('a registry that wants a login', () => {
  beforeEach(async () => {
    registry = await startWithLogins()
  })

  afterEach(async () => {
    await registry[Symbol.asyncDispose]()
  })

  test('takes pushes and pulls after login, and none after logout', async () => {
    await imported('app')
    const refused = await store.run(['push', '-q', '--retry', '0', 'app', `${registry.host}/app`], withAuth())
    expect(refused.status, refused.stderr).toBe(125)
    expect(refused.stderr).toMatch(/unauthorized|authentication required/)
    const login = await store.ok(['login', '-u', 'bob', '--password-stdin', registry.host], {
      ...withAuth(),
      input: `${password}\n`,
    })
    expect(login).toBe('Login Succeeded!')
    await store.ok(['push', '-q', 'app', `${registry.host}/app`], withAuth())
    await store.ok(['rmi', 'app'])
    await store.ok(['pull', '-q', `${registry.host}/app`], withAuth())
    expect(await store.ok(['logout', registry.host], withAuth())).toBe(`Removed login credentials for ${registry.host}`)
    const again = await store.run(['pull', '-q', '--retry', '0', `${registry.host}/app`], withAuth())
    expect(again.status).toBe(125)
  })

  test('login keeps what it was given as Podman does, for the user alone, beside what is there', async () => {
    await writeFile(authFile(), JSON.stringify({ auths: { 'other.example': { auth: 'eDp5' } }, custom: 1 }))
    await store.ok(['login', '-u', 'bob', '-p', password, registry.host], withAuth())
    const auth = Buffer.from(`bob:${password}`).toString('base64')
    expect(JSON.parse(await readFile(authFile(), 'utf8'))).toEqual({
      auths: { 'other.example': { auth: 'eDp5' }, [registry.host]: { auth } },
      custom: 1,
    })
    expect((await stat(authFile())).mode & 0o777).toBe(0o600)
    expect(await store.ok(['login', '--get-login', registry.host], withAuth())).toBe('bob')
    expect(await store.ok(['login', registry.host], withAuth())).toContain('Existing credentials are valid')
  })

  test('a wrong password is told and not kept', async () => {
    const result = await store.run(['login', '-u', 'bob', '-p', 'wrong', registry.host], withAuth())
    expect(result.status).toBe(125)
    expect(result.stderr).toMatch(/invalid username\/password/)
    await expect(stat(authFile())).rejects.toThrow()
  })

  test('--creds serves one command, and nothing is kept', async () => {
    await imported('app')
    await store.ok(['push', '-q', '--creds', `bob:${password}`, 'app', `${registry.host}/app`], withAuth())
    await store.ok(['pull', '-q', '--creds', `bob:${password}`, `${registry.host}/app`], withAuth())
    await expect(stat(authFile())).rejects.toThrow()
  })

  test('what is asked for and not answered is a failure, and nothing is kept', async () => {
    const fails = async (args: readonly string[], message: RegExp): Promise<void> => {
      const result = await store.run([...args, registry.host], withAuth())
      expect(result.status, result.stderr).toBe(125)
      expect(result.stderr).toMatch(message)
    }
    await fails(['login'], /the standard input ended before an answer came/)
    await fails(['login', '-u', 'bob'], /cannot ask for a password without a terminal: use --password-stdin/)
    await fails(['search', '--creds', 'bob'], /without a terminal: use --creds USER:PASSWORD/)
    await expect(stat(authFile())).rejects.toThrow()
  })

  test('--creds USER asks for the password on a terminal', async () => {
    await imported('app')
    using terminal = openTerminal(store, `tspod push -q --creds bob app ${registry.host}/app`)
    await terminal.until(/Password: /)
    terminal.type(`${password}\r`)
    expect(await terminal.end(), terminal.output).toBe(0)
    expect(terminal.output).not.toContain(password)
  })

  test('login asks for user and password on a terminal, and mistyped characters can be taken back', async () => {
    using terminal = openTerminal(store, `tspod login --authfile ${authFile()} ${registry.host}`)
    await terminal.until(/Username: /)
    terminal.type('bob\r')
    await terminal.until(/Password: /)
    terminal.type(`${password}xé\x7f\b\r`)
    expect(await terminal.end(), terminal.output).toBe(0)
    expect(terminal.output).toContain('Login Succeeded!')
    expect(terminal.output).not.toContain(password)
    expect(await store.ok(['login', '--get-login', registry.host], withAuth())).toBe('bob')
    using interrupted = openTerminal(store, `tspod login -u bob --authfile ${authFile()} ${registry.host}`)
    await interrupted.until(/Password: /)
    interrupted.type('\x03')
    expect(await interrupted.end(), interrupted.output).toBe(130)
  })

  test('an --authfile that is not there is told, but login makes it', async () => {
    const missing = join(store.folder, 'new', 'auth.json')
    const pull = await store.run(['pull', '-q', '--authfile', missing, `${registry.host}/app`])
    expect(pull.status, pull.stderr).toBe(125)
    expect(pull.stderr).toContain(`--authfile ${missing}: no such file or directory`)
    const input = { input: `${password}\n\n` }
    await store.ok(['login', '-u', 'bob', '--password-stdin', '--authfile', missing, registry.host], input)
    expect(await store.ok(['login', '--get-login', '--authfile', missing, registry.host])).toBe('bob')
  })

  test('that speaks no TLS is called so', async () => {
    const result = await store.run(['pull', '-q', '--tls-verify', `${registry.host}/app`])
    expect(result.status, result.stderr).toBe(125)
    expect(result.stderr).toMatch(/the server does not speak TLS; --tls-verify=false, .* allows HTTP\n$/)
  })

  test('a credential helper is given the login, asked for it, and made to forget it', async () => {
    const bin = join(store.folder, 'bin')
    const kept = join(store.folder, 'kept.json')
    await mkdir(bin)
    const program = join(bin, 'docker-credential-test')
    await writeFile(
      program,
      `#!/bin/sh
case $1 in
store) cat > ${kept} ;;
get) cat > /dev/null; [ ! -e ${kept}.broken ] || { echo the keyring is locked >&2; exit 2; }
  [ -e ${kept} ] && cat ${kept} || { echo credentials not found in native keychain; exit 1; } ;;
erase) cat > /dev/null; rm ${kept} ;;
list) echo '{}' ;;
esac
`,
    )
    await chmod(program, 0o755)
    await writeFile(authFile(), JSON.stringify({ credHelpers: { [registry.host]: 'test' } }))
    const options = { env: { ...withAuth().env, PATH: `${bin}:${store.env['PATH'] ?? ''}` } }
    await store.ok(['login', '-u', 'bob', '-p', password, registry.host], options)
    expect(JSON.parse(await readFile(kept, 'utf8'))).toEqual({
      ServerURL: registry.host,
      Username: 'bob',
      Secret: password,
    })
    expect(await readFile(authFile(), 'utf8')).not.toContain('auths')
    await imported('app')
    await store.ok(['push', '-q', 'app', `${registry.host}/app`], options)
    await writeFile(`${kept}.broken`, '')
    const broken = await store.run(['pull', '-q', `${registry.host}/app`], options)
    expect(broken.stderr).toContain(`docker-credential-test get failed for ${registry.host}: the keyring is locked`)
    await store.ok(['logout', registry.host], options)
    await expect(stat(kept)).rejects.toThrow()
  })

  test('search lists its catalogue, and its tags', async () => {
    await imported('app')
    for (const name of ['team/app:1', 'team/app:2', 'other:1'])
      await store.ok(['push', '-q', '--creds', `bob:${password}`, 'app', `${registry.host}/${name}`])
    const search = (...args: string[]): Promise<string> => store.ok(['search', '--creds', `bob:${password}`, ...args])
    expect(await search('--format', '{{.Name}}', `${registry.host}/team`)).toBe(`${registry.host}/team/app`)
    expect(await search('--format', '{{.Index}} {{.Stars}}', '--limit', '1', `${registry.host}/`)).toBe(
      `${registry.host} 0`,
    )
    expect(await search('--filter', 'stars=3', '--format', '{{.Name}}', `${registry.host}/team`)).toBe('')
    /* Their order is the registry's. */
    const tags = await search('--list-tags', '--format', '{{.Tag}}', `${registry.host}/team/app`)
    expect(tags.split('\n').sort()).toEqual(['1', '2'])
    expect(JSON.parse(await search('--list-tags', '--format', 'json', `${registry.host}/team/app`))).toEqual([
      { Name: `${registry.host}/team/app`, Tags: tags.split('\n') },
    ])
    expect(await search('--limit', '101', '--format', '{{.Name}}', `${registry.host}/team`)).toContain('team/app')
    const filtered = await store.run(['search', '--list-tags', '--filter', 'stars=1', `${registry.host}/team/app`])
    expect(filtered.stderr).toContain('filters are not applicable to list tags result')
  })
})

describe('a registry over TLS', () => {
  test('is trusted by --cert-dir, by certs.d, or with --tls-verify=false, and not otherwise', async () => {
    const { ca, serverCertificate, serverKey } = await makeCertificates(store.folder)
    registry = await startRegistry('', { tls: { certificate: serverCertificate, key: serverKey } })
    await using _ = registry
    await imported('app')
    const push = (...args: string[]): ReturnType<TspodStore['run']> =>
      store.run(['push', '-q', ...args, 'app', `${registry.host}/app`])
    const untrusted = await push('--tls-verify')
    expect(untrusted.status, untrusted.stderr).toBe(125)
    expect(untrusted.stderr).toMatch(/certificate/i)
    expect(untrusted.stderr, 'no second try').not.toContain('retrying')
    const folder = join(store.folder, 'certs')
    await mkdir(folder)
    await copyFile(ca, join(folder, 'ca.crt'))
    expect(await push('--tls-verify', '--cert-dir', folder)).toMatchObject({ status: 0 })
    expect(await push('--tls-verify=false')).toMatchObject({ status: 0 })
    expect(
      await store.run(['pull', '-q', '--tls-verify', `${registry.host}/app`], { env: { SSL_CERT_FILE: ca } }),
    ).toMatchObject({ status: 0 })
    const home = join(store.env['HOME'] ?? '', '.config', 'containers', 'certs.d', registry.host)
    await mkdir(home, { recursive: true })
    await copyFile(ca, join(home, 'ca.crt'))
    expect(await push('--tls-verify')).toMatchObject({ status: 0 })
  })

  test("that wants a client's certificate gets it from --cert-dir", async () => {
    const made = await makeCertificates(store.folder)
    const tls = { certificate: made.serverCertificate, key: made.serverKey, clientcas: [made.ca] }
    registry = await startRegistry('', { tls })
    await using _ = registry
    await imported('app')
    const folder = join(store.folder, 'certs')
    await mkdir(folder)
    await copyFile(made.ca, join(folder, 'ca.crt'))
    const args = ['push', '-q', '--retry', '0', '--tls-verify', '--cert-dir', folder, 'app', `${registry.host}/app`]
    expect((await store.run(args)).status).toBe(125)
    await writeFile(join(folder, 'client.cert'), 'no certificate')
    await copyFile(made.clientKey, join(folder, 'client.key'))
    const unusable = await store.run(args)
    expect(unusable.status, unusable.stderr).toBe(125)
    expect(unusable.stderr).toMatch(/^Error: .*the certificates for .* cannot be used: .*\n$/)
    await copyFile(made.clientCertificate, join(folder, 'client.cert'))
    await copyFile(made.clientKey, join(folder, 'client.key'))
    await store.ok(args)
  })
})

describe('a registry with tokens', () => {
  test('is given one for each repository and right, by a login or without', async () => {
    const made = await makeCertificates(store.folder)
    await using tokens = await startTokenServer({
      certificate: made.serverCertificate,
      key: made.serverKey,
      users: { bob: password },
    })
    registry = await startRegistry(tokens.configuration)
    await using _ = registry
    await imported('app')
    const push = (name: string): ReturnType<TspodStore['run']> =>
      store.run(['push', '-q', '--retry', '0', 'app', `${registry.host}/${name}`], withAuth())
    const refused = await push('one')
    expect(refused.status, refused.stderr).toBe(125)
    expect(refused.stderr).toMatch(/denied|unauthorized|authentication required/)
    const login = ['login', '-u', 'bob', '--password-stdin', registry.host]
    const wrong = await store.run(login, { ...withAuth(), input: 'no' })
    expect(wrong.status, wrong.stderr).toBe(125)
    await store.ok(login, { ...withAuth(), input: password })
    expect(await push('one')).toMatchObject({ status: 0 })
    await store.ok(['rmi', 'app'])
    tokens.asked.length = 0
    await store.ok(['pull', '-q', `${registry.host}/one`])
    expect(tokens.asked).toEqual(['repository:one:pull'])
    /* The layer is mounted from where it was pulled: that takes a token for both. */
    tokens.asked.length = 0
    await store.ok(['push', '-q', `${registry.host}/one`, `${registry.host}/two`], withAuth())
    expect(tokens.asked).toContain('bob repository:two:pull,push repository:one:pull')
    await store.ok(['pull', '-q', `${registry.host}/two`])
  })

  test('is given an identity token, and its token for pushes', async () => {
    await using tokens = await startTestRegistry()
    const forms: string[] = []
    tokens.misbehave = (request, response, url) => {
      if (url.pathname === '/token') {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          forms.push(Buffer.concat(chunks).toString())
          response.end(JSON.stringify({ access_token: 'short-lived' }))
        })
        return true
      }
      if (request.headers.authorization === 'Bearer short-lived') return false
      const realm = `http://${tokens.host}/token`
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="test"` }).end()
      return true
    }
    tokens.putImage('app', 'latest', [tarArchive([{ path: 'file', content: 'x' }])])
    const auths = { [tokens.host]: { auth: Buffer.from('<token>:').toString('base64'), identitytoken: 'long-lived' } }
    await writeFile(authFile(), JSON.stringify({ auths }))
    await store.ok(['pull', '-q', `${tokens.host}/app`], withAuth())
    expect(forms).toHaveLength(1)
    expect(Object.fromEntries(new URLSearchParams(forms[0]))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'long-lived',
      scope: 'repository:app:pull',
      service: 'test',
    })
  })
})
