import { parseDeviceOrName } from '../parse/device.js'
import { parseMount, parseTmpfs, parseVolume } from '../parse/mount.js'
import { parseSize } from '../parse/value.js'
import { asTyped, commaListFlag, listFlag, switchFlag, switchFlagOn, textFlag, valueFlag } from './define.js'

/** What is mounted, and which devices there are. */
export const storageFlags = {
  volume: listFlag(parseVolume, 'Mount a folder of the host or a volume', {
    char: 'v',
    helpValue: '[SOURCE:]TARGET[:OPTIONS]',
  }),
  mount: listFlag(parseMount, 'Mount anything: type=bind, volume, tmpfs, image or devpts', {
    helpValue: 'type=TYPE,…',
  }),
  tmpfs: listFlag(parseTmpfs, 'Mount a file system in memory', { helpValue: 'TARGET[:OPTIONS]' }),
  'volumes-from': commaListFlag(asTyped, 'Mount what another container has mounted', { helpValue: 'NAME[:OPTIONS]' }),
  'image-volume': textFlag('What becomes of the volumes an image asks for', {
    options: ['anonymous', 'bind', 'tmpfs', 'ignore'],
    aliases: ['builtin-volume'],
  }),
  'read-only': switchFlag('Make the root file system read-only'),
  'read-only-tmpfs': switchFlagOn('With --read-only: keep /tmp, /run, /var/tmp and /dev/shm writable'),
  'shm-size': valueFlag(parseSize, 'Size of /dev/shm', { helpValue: 'SIZE', emptyIsNone: true }),
  device: commaListFlag(parseDeviceOrName, 'Make a device of the host available', {
    helpValue: 'SOURCE[:TARGET][:rwm]',
  }),
  'hooks-dir': listFlag(asTyped, 'Folder of OCI hooks', { helpValue: 'FOLDER' }),
}
