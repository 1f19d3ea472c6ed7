import { parseEntrypoint } from '../parse/entrypoint.js'
import { parseLogDriver } from '../parse/log.js'
import { parseRestart } from '../parse/restart.js'
import { parseInteger, parseOctal, parsePair } from '../parse/value.js'
import { asTyped, listFlag, switchFlag, switchFlagOn, textFlag, valueFlag } from './define.js'

const seconds = (text: string) => parseInteger(text, 0, 2 ** 31 - 1)

/** What the container is and how its command runs. */
export const containerFlags = {
  name: textFlag('Name of the container; without, one is made up', { emptyIsNone: true }),
  replace: switchFlag('Remove a container of the same name first'),
  annotation: listFlag(parsePair, 'Add an annotation', { helpValue: 'KEY=VALUE' }),
  label: listFlag(parsePair, 'Set a label', { char: 'l', helpValue: 'KEY=VALUE' }),
  'label-file': listFlag(asTyped, 'Read labels from a file', { helpValue: 'FILE' }),
  env: listFlag(asTyped, "Set an environment variable; KEY alone takes the caller's", {
    char: 'e',
    helpValue: 'KEY[=VALUE]',
    emptyIsNone: true,
  }),
  'env-file': listFlag(asTyped, 'Read environment variables from a file', { helpValue: 'FILE' }),
  'env-host': switchFlag("Pass the caller's whole environment"),
  'http-proxy': switchFlagOn('Pass the proxy variables of the caller'),
  unsetenv: listFlag(asTyped, 'Unset a variable that the image sets', { helpValue: 'KEY' }),
  'unsetenv-all': switchFlag('Unset all variables that the image sets'),
  workdir: textFlag('Working directory inside the container', { char: 'w' }),
  user: textFlag('User (and group) the command runs as', { char: 'u', helpValue: 'USER[:GROUP]' }),
  'group-add': listFlag(asTyped, 'Add a group to those of the user; keep-groups keeps the caller’s', {
    helpValue: 'GROUP',
    emptyIsNone: true,
  }),
  entrypoint: valueFlag(parseEntrypoint, "Replace the image's entrypoint", { helpValue: 'COMMAND' }),
  interactive: switchFlag('Keep stdin open', { char: 'i' }),
  tty: switchFlag('Give the container a terminal', { char: 't' }),
  rm: switchFlag('Remove the container when its command has ended'),
  restart: valueFlag(parseRestart, 'What to do when the command has ended', { helpValue: 'POLICY' }),
  init: switchFlag('Run a small init as process 1 that reaps orphans'),
  'init-path': textFlag('Program to use as that init', { helpValue: 'PATH' }),
  systemd: textFlag('Prepare the container for systemd: not done, whatever it runs', {
    options: ['true', 'false', 'always'],
  }),
  'stop-signal': textFlag('Signal that asks the command to end', { helpValue: 'SIGNAL', emptyIsNone: true }),
  'stop-timeout': valueFlag(seconds, 'Seconds from that signal to SIGKILL', { helpValue: 'SECONDS' }),
  timeout: valueFlag(seconds, 'Kill the container after so many seconds', { helpValue: 'SECONDS' }),
  tz: textFlag('Time zone, or "local"', { helpValue: 'ZONE' }),
  umask: valueFlag((text) => parseOctal(text, 0o777), 'umask of the command', {
    helpValue: 'OCTAL',
    emptyIsNone: true,
  }),
  passwd: switchFlagOn('Add the user to /etc/passwd and /etc/group where missing'),
  'passwd-entry': textFlag('The line to add to /etc/passwd'),
  'group-entry': textFlag('The line to add to /etc/group'),
  personality: textFlag('Execution domain: LINUX or LINUX32'),
  cidfile: textFlag("Write the container's ID to a file", { helpValue: 'FILE', emptyIsNone: true }),
  pidfile: textFlag("Write the process's ID to a file", { helpValue: 'FILE' }),
  'conmon-pidfile': textFlag("Write the monitor's process ID to a file", { helpValue: 'FILE' }),
  sdnotify: textFlag('Who tells systemd that the service is ready', {
    options: ['container', 'conmon', 'healthy', 'ignore'],
  }),
  'preserve-fds': valueFlag((text) => parseInteger(text, 0, 1024), 'Pass so many descriptors from 3 on', {
    helpValue: 'N',
  }),
  'log-driver': valueFlag(parseLogDriver, 'Where the output goes', { helpValue: 'DRIVER', emptyIsNone: true }),
  'log-opt': listFlag(asTyped, 'Option of the log: path, max-size, max-file, tag', { helpValue: 'KEY=VALUE' }),
}
