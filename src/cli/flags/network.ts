import { parseAddHost, parseDns, parseHostname, parseSearchDomain } from '../parse/hosts.js'
import { parseExpose, parsePort } from '../parse/port.js'
import { asTyped, commaListFlag, listFlag, switchFlag, valueFlag } from './define.js'

/** The container's network, ports and names. */
export const networkFlags = {
  network: listFlag(asTyped, 'slirp4netns, pasta, host, none, container:NAME, ns:PATH or a network', {
    aliases: ['net'],
    helpValue: 'MODE',
  }),
  publish: listFlag(parsePort, 'Make a port reachable from the host', {
    char: 'p',
    helpValue: '[[IP:]PORT:]PORT[/PROTOCOL]',
    emptyIsNone: true,
  }),
  'publish-all': switchFlag('Publish all exposed ports on free ones of the host', { char: 'P' }),
  expose: listFlag(parseExpose, 'Say that a port is used', { helpValue: 'PORT[/PROTOCOL]', emptyIsNone: true }),
  hostname: valueFlag(parseHostname, 'Host name inside the container', {
    char: 'h',
    helpValue: 'NAME',
    emptyIsNone: true,
  }),
  'no-hostname': switchFlag("Keep the image's /etc/hostname"),
  'add-host': listFlag(parseAddHost, 'Add a line to /etc/hosts', { helpValue: 'NAME:ADDRESS', emptyIsNone: true }),
  'no-hosts': switchFlag("Keep the image's /etc/hosts"),
  dns: commaListFlag(parseDns, 'Ask this server for names', { helpValue: 'ADDRESS' }),
  'dns-search': commaListFlag(parseSearchDomain, 'Search names in this domain', { helpValue: 'DOMAIN' }),
  'dns-option': commaListFlag(asTyped, 'Option of resolv.conf', { aliases: ['dns-opt'], helpValue: 'OPTION' }),
}
