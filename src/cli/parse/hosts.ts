import { isAddress } from './port.js'
import { invalid } from './value.js'

/** `NAME[;NAME]:ADDRESS` (or `NAME=ADDRESS`); the address may be `host-gateway`. */
export function parseAddHost(text: string): readonly { readonly name: string; readonly address: string }[] {
  const match = /^([^:=]+)[:=](.+)$/.exec(text)
  if (match === null) throw invalid(`"${text}" is not NAME:ADDRESS`)
  const [, names = '', written = ''] = match
  const address = written.startsWith('[') && written.endsWith(']') ? written.slice(1, -1) : written
  if (address !== 'host-gateway' && !isAddress(address)) throw invalid(`"${address}" in "${text}" is not an IP address`)
  return names.split(';').map((name) => ({ name: parseHostName(name), address }))
}

/** One label or more, as a host name is written; what /etc/hosts and the kernel can take. */
export function parseHostName(name: string): string {
  if (name.length > 253 || !/^[a-zA-Z0-9_](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$/.test(name))
    throw invalid(`"${name}" is not a host name`)
  return name
}

/** `--hostname`: the kernel takes 64 bytes. */
export function parseHostname(name: string): string {
  if (name.length > 64) throw invalid('a host name has at most 64 characters')
  return parseHostName(name)
}

/** `--dns`: an address, or `none` for the image's own resolv.conf. */
export function parseDns(text: string): string {
  if (text !== 'none' && !isAddress(text)) throw invalid(`"${text}" is not an IP address`)
  return text
}

/** `--dns-search`: a domain, or `.` for none. */
export function parseSearchDomain(text: string): string {
  return text === '.' ? text : parseHostName(text.replace(/\.$/, ''))
}
