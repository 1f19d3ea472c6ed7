import { isLingering } from '../../../rootless/host-checks.js'
import { userName } from '../../../rootless/subid.js'
import type { Context } from '../context.js'

/** Tells who makes services that they will not be there without a login. */
export async function warnOfLogout(context: Context): Promise<void> {
  const uid = process.getuid?.() ?? 0
  const name = await userName(uid)
  if (name === undefined || isLingering(uid, name) !== false) return
  context.log(
    'warn',
    "your services end with your last login; to have them run from the machine's start on: loginctl enable-linger",
  )
}
