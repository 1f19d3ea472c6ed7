import * as OclifArgs from '@oclif/core/args'
import * as OclifFlags from '@oclif/core/flags'

/** oclif's own builders, named once so that commands need no other import than `base-command`. */
export const Flags = OclifFlags
export const Args = OclifArgs
