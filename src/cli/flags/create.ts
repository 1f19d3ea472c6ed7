import { containerFlags } from './container.js'
import { healthFlags } from './health.js'
import { imageFlags } from './image.js'
import { networkFlags } from './network.js'
import { resourceFlags } from './resources.js'
import { securityFlags } from './security.js'
import { storageFlags } from './storage.js'
import { unsupportedFlags } from './unsupported.js'

/** The flags that `create` and `run` have in common: what becomes a ContainerSpec. */
export const createFlags = {
  ...containerFlags,
  ...healthFlags,
  ...imageFlags,
  ...networkFlags,
  ...resourceFlags,
  ...securityFlags,
  ...storageFlags,
  ...unsupportedFlags,
}
