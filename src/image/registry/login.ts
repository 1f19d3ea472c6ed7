import { TspodError } from '../../base/errors.js'
import type { Reference } from '../reference.js'
import { responseError } from './repository.js'
import { withRetries } from './retry.js'
import { openRepository, type RegistryOptions } from './source.js'

/** Asks a registry whether it takes the login that `options` has for it (distribution-spec, “Determining Support”). */
export async function checkLogin(host: string, options: RegistryOptions, signal?: AbortSignal): Promise<void> {
  const { repository, http } = openRegistry(host, options)
  try {
    await withRetries({ ...options.retry, signal }, async () => {
      const response = await repository.send({ method: 'GET', path: '/v2/', scope: '', signal })
      if (response.status === 200) {
        response.discard()
        return
      }
      if (response.status === 401 || response.status === 403) {
        response.discard()
        throw new TspodError('registry-denied', `logging into "${host}": invalid username/password`)
      }
      throw await responseError(response, `pinging container registry ${host}`)
    })
  } finally {
    http.close()
  }
}

/** A registry without one of its repositories: for `/v2/`, the catalogue and searching. */
export function openRegistry(host: string, options: RegistryOptions): ReturnType<typeof openRepository> {
  /* Rewriting by registries.conf wants a whole name; nothing is asked below it. */
  const reference: Reference = { domain: host, path: 'any' }
  return openRepository(reference, options)
}
