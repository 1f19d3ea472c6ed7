import { registryFlags } from '../images/registry-flags.js'
import { parseAttestation, parseProvenance, parseSbom } from '../parse/build-attestation.js'
import { parseCachePlace } from '../parse/build-cache.js'
import { parseOutput } from '../parse/build-output.js'
import { parseSecret, parseSsh } from '../parse/build-secret.js'
import { parseInteger, parsePair } from '../parse/value.js'
import { buildUnsupportedFlags } from './build-unsupported.js'
import { asTyped, commaListFlag, listFlag, switchFlag, switchFlagOn, textFlag, valueFlag } from './define.js'
import { networkFlags } from './network.js'
import { resourceFlags } from './resources.js'
import { securityFlags } from './security.js'
import { storageFlags } from './storage.js'

const epoch = (text: string) => parseInteger(text, 0, 253402300799)

/** What is built from what. */
const sourceFlags = {
  file: listFlag(asTyped, 'Dockerfile: a path, a URL, or - for the standard input', { char: 'f', helpValue: 'FILE' }),
  target: textFlag('Build this stage', { helpValue: 'STAGE' }),
  'build-arg': listFlag(asTyped, "Set an ARG; NAME alone takes the caller's variable", {
    helpValue: 'NAME[=VALUE]',
  }),
  'build-arg-file': listFlag(asTyped, 'Read ARGs from a file', { helpValue: 'FILE' }),
  'build-context': listFlag((text) => parsePair(text, { needsValue: true }), 'A further context, for FROM and --from', {
    helpValue: 'NAME=CONTEXT',
  }),
  'cpp-flag': listFlag(asTyped, 'Pass an argument to cpp, which preprocesses FILE.in', { helpValue: 'ARGUMENT' }),
  ignorefile: textFlag('Read the patterns of what is no part of the context from this file', { helpValue: 'FILE' }),
  secret: listFlag(parseSecret, 'A secret for RUN --mount=type=secret', { helpValue: 'id=ID,src=FILE' }),
  ssh: listFlag(parseSsh, 'An SSH agent or keys for RUN --mount=type=ssh', { helpValue: 'ID[=SOCKET|KEY]' }),
  platform: commaListFlag(asTyped, 'Build for other platforms', { helpValue: 'OS/ARCH[/VARIANT]' }),
  os: textFlag('Build for another system'),
  arch: textFlag('Build for another architecture'),
  variant: textFlag('Build for a variant of the architecture'),
  pull: textFlag('When to fetch base images; --pull alone means always', {
    options: ['always', 'missing', 'never', 'newer', 'true', 'false'],
    helpValue: 'POLICY',
    bareValue: 'always',
  }),
  'skip-unused-stages': switchFlagOn('Leave out the stages that the result does not need'),
}

/** What the image gets. */
const imageFlags = {
  tag: listFlag(asTyped, 'Name of the image', { char: 't', helpValue: 'NAME' }),
  label: listFlag(parsePair, 'Set a label', { helpValue: 'KEY=VALUE' }),
  annotation: listFlag((text) => parsePair(text, { needsValue: true }), 'Add an annotation', {
    helpValue: 'KEY=VALUE',
  }),
  env: listFlag(asTyped, "Set an environment variable in the image; KEY alone takes the caller's", {
    helpValue: 'KEY[=VALUE]',
  }),
  unsetenv: commaListFlag(asTyped, 'Unset a variable in the image', { helpValue: 'KEY' }),
  unsetlabel: commaListFlag(asTyped, "Leave out a label of the base image's", { helpValue: 'KEY' }),
  'identity-label': switchFlagOn('Say in a label what built the image'),
  format: textFlag('Form of the manifest', { options: ['oci', 'docker'] }),
  manifest: textFlag('Add the images to this manifest list', { helpValue: 'NAME' }),
  squash: switchFlag('Put all new layers into one'),
  'squash-all': switchFlag("Put all layers into one, the base image's too"),
  timestamp: valueFlag(epoch, 'Time of the image and of all files in it', { helpValue: 'SECONDS' }),
  'source-date-epoch': valueFlag(epoch, 'Time of the image, and the ARG', { helpValue: 'SECONDS' }),
  'rewrite-timestamp': switchFlag('No file in a new layer is newer than --source-date-epoch'),
  attest: listFlag(parseAttestation, 'Add an attestation', { helpValue: 'type=TYPE,…' }),
  provenance: valueFlag(parseProvenance, 'Add a statement of how the image was built', { helpValue: 'mode=min|max' }),
  sbom: valueFlag(parseSbom, 'Add a list of what is in the image, made by a scanner', { helpValue: 'generator=IMAGE' }),
}

/** Where the result goes, and what is told. */
const resultFlags = {
  output: listFlag(parseOutput, 'Where the result goes', { char: 'o', helpValue: 'type=TYPE,dest=PATH' }),
  push: switchFlag('As --output type=registry'),
  iidfile: textFlag('Write the ID of the image to this file', { helpValue: 'FILE' }),
  'metadata-file': textFlag('Write what was built to this file, as JSON', { helpValue: 'FILE' }),
  quiet: switchFlag('Print only the ID', { char: 'q' }),
  progress: textFlag('How to show what goes on', {
    options: ['auto', 'plain', 'tty', 'rawjson', 'quiet'],
    helpValue: 'KIND',
  }),
  logfile: textFlag('Write what goes on to a file instead', { helpValue: 'FILE' }),
  check: switchFlag('Only look at the Dockerfile for likely mistakes'),
  call: textFlag('build, or check as --check', { options: ['build', 'check', 'lint'], helpValue: 'METHOD' }),
  verify: switchFlag('Build twice without a cache, and tell the first difference'),
  'debug-shell': switchFlag('Open a shell in a step that failed'),
}

const cacheFlags = {
  'no-cache': switchFlag('Do every step anew'),
  'no-cache-filter': commaListFlag(asTyped, 'Do the steps of this stage anew', { helpValue: 'STAGE' }),
  'cache-from': listFlag(parseCachePlace, 'Look here for steps that were done before', { helpValue: 'PLACE' }),
  'cache-to': listFlag(parseCachePlace, 'Keep the steps here, too', { helpValue: 'PLACE' }),
  'cache-ttl': textFlag('Do steps anew that are older', { helpValue: 'DURATION' }),
  layers: switchFlagOn('Make a layer of each instruction, and keep it'),
  jobs: valueFlag((text) => parseInteger(text, 0, 4096), 'So many steps at once; 0 for all', { helpValue: 'N' }),
}

const { cgroups: _cgroups, 'cgroup-conf': _conf, ...limits } = resourceFlags

/** How RUN steps run: the flags of `run` that make sense for them. */
const stepFlags = {
  ...limits,
  network: textFlag('Network of the steps: none, host, private, slirp4netns, pasta, ns:PATH', { helpValue: 'MODE' }),
  'add-host': networkFlags['add-host'],
  'no-hosts': networkFlags['no-hosts'],
  'no-hostname': networkFlags['no-hostname'],
  dns: networkFlags.dns,
  'dns-search': networkFlags['dns-search'],
  'dns-option': networkFlags['dns-option'],
  volume: storageFlags.volume,
  device: storageFlags.device,
  'shm-size': storageFlags['shm-size'],
  'hooks-dir': storageFlags['hooks-dir'],
  'cap-add': securityFlags['cap-add'],
  'cap-drop': securityFlags['cap-drop'],
  'security-opt': securityFlags['security-opt'],
  ulimit: securityFlags.ulimit,
  allow: commaListFlag(asTyped, 'Let steps have what they ask for', {
    options: ['network.host', 'security.insecure', 'device'],
    helpValue: 'ENTITLEMENT',
  }),
  'http-proxy': switchFlagOn('Pass the proxy variables of the caller as ARGs'),
  isolation: textFlag('Accepted; steps run in containers in any case', {
    options: ['oci', 'rootless', 'chroot', 'default'],
    helpValue: 'KIND',
  }),
}

/** Flags of other builders that change nothing here. */
const silentBuildFlags = {
  compress: switchFlag('Does nothing, as in Podman', { hidden: true }),
  'disable-compression': switchFlagOn('Does nothing: layers are compressed when they are pushed', {
    char: 'D',
    hidden: true,
  }),
  'disable-content-trust': switchFlagOn('Does nothing, as in Podman', { hidden: true }),
  'force-rm': switchFlagOn('Does nothing: no step leaves a container behind', { hidden: true }),
  rm: switchFlagOn('Does nothing: no step leaves a container behind', { hidden: true }),
  load: switchFlag('Does nothing: images are in the store', { hidden: true }),
  builder: textFlag('Does nothing: there is one builder', { hidden: true }),
}

/** All of `build`. */
export const buildFlags = {
  ...sourceFlags,
  ...imageFlags,
  ...resultFlags,
  ...cacheFlags,
  ...stepFlags,
  ...registryFlags,
  ...silentBuildFlags,
  ...buildUnsupportedFlags,
}
