import { BlockList, isIP } from 'node:net'
import { TspodError } from '../../base/errors.js'

/** Which proxy a request goes through, by the environment's rules that Go's programs and curl share. */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>>): URL | undefined {
  if (isLoopbackHost(url.hostname)) return undefined
  const value =
    url.protocol === 'https:'
      ? (env['HTTPS_PROXY'] ?? env['https_proxy'])
      : /* CGI sets HTTP_PROXY from a request's “Proxy” header (httpoxy). */
        (env['http_proxy'] ?? (env['REQUEST_METHOD'] === undefined ? env['HTTP_PROXY'] : undefined))
  const chosen = value === undefined || value === '' ? (env['ALL_PROXY'] ?? env['all_proxy']) : value
  if (chosen === undefined || chosen === '') return undefined
  if (isExempt(url, env['NO_PROXY'] ?? env['no_proxy'] ?? '')) return undefined
  return parseProxy(chosen)
}

/** What is no URL is no proxy, as in Go's programs; one of another kind would only give back what is no HTTP. */
function parseProxy(text: string): URL | undefined {
  let proxy: URL
  try {
    proxy = new URL(text.includes('://') ? text : `http://${text}`)
  } catch {
    return undefined
  }
  if (proxy.protocol === 'http:' || proxy.protocol === 'https:') return proxy
  throw new TspodError(
    'not-supported',
    `the environment names a proxy of the kind ${proxy.protocol}//: there are http:// and https://`,
  )
}

/** 127.0.0.0/8, ::1 and localhost: what Docker treats as not needing TLS, and no proxy can reach. */
export function isLoopbackHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '')
  if (isIP(bare) === 4) return bare.startsWith('127.')
  return bare === 'localhost' || bare.endsWith('.localhost') || bare === '::1'
}

export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {}
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** NO_PROXY: `*`, hosts (and what is below them), `.suffix`, addresses, networks, each with an optional port. */
function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return list.split(',').some((entry) => {
    const text = entry.trim().toLowerCase()
    if (text === '') return false
    if (text === '*') return true
    if (text.includes('/')) return inNetwork(host, text)
    const match = /^(.*?)(?::(\d+))?$/.exec(isIP(text) === 6 ? `[${text}]` : text)
    const name = (match?.[1] ?? text).replace(/^\[|\]$/g, '')
    if (match?.[2] !== undefined && match[2] !== port) return false
    if (isIP(name) !== 0) return name === host
    const suffix = name.replace(/^\*?\./, '')
    return host.endsWith(`.${suffix}`) || (host === suffix && !/^\*?\./.test(name))
  })
}

function inNetwork(host: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/')
  const family = isIP(base)
  if (family === 0 || isIP(host) !== family) return false
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(base, Number(bits), type)
  return list.check(host, type)
}
