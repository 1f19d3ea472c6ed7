import { asTyped, listFlag, switchFlag, switchFlagOn, textFlag } from './define.js'

/** How the command line is tied to the container; `run` only. */
export const attachFlags = {
  detach: switchFlag('Leave it running in the background and print its ID', { char: 'd' }),
  attach: listFlag(asTyped, 'Attach to stdin, stdout or stderr only', { char: 'a', helpValue: 'STREAM' }),
  'detach-keys': textFlag('Keys that detach from it', { helpValue: 'KEYS' }),
  'sig-proxy': switchFlagOn('Pass signals on to the command'),
}
