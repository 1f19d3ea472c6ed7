import { switchFlag, switchFlagOn, textFlag } from './define.js'

/** Where the image comes from. */
export const imageFlags = {
  pull: textFlag('When to fetch the image', { options: ['always', 'missing', 'never', 'newer'], emptyIsNone: true }),
  platform: textFlag('Take the image for another platform', { helpValue: 'OS/ARCH[/VARIANT]', emptyIsNone: true }),
  os: textFlag('Take the image for another system'),
  arch: textFlag('Take the image for another architecture'),
  variant: textFlag('Take the image for a variant of the architecture'),
  quiet: switchFlag('Show no progress while fetching', { char: 'q' }),
  authfile: textFlag('File with the logins to registries', { helpValue: 'FILE' }),
  'tls-verify': switchFlagOn('Insist on HTTPS and valid certificates'),
  rootfs: switchFlag('IMAGE is a folder to use as root file system; PATH:O keeps it unchanged'),
  'disable-content-trust': switchFlagOn('Does nothing, as in Podman', { hidden: true }),
}
