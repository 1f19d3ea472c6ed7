import type { Context } from '../context.js'
import type {
  LoginOptions,
  LogoutOptions,
  SearchOptions,
  SearchResult,
  StoredUser,
  TagResult,
  TrustChange,
  TrustReport,
} from './types.js'

/** `engine.registries`: each operation loads its code when it is first called. */
export function bindRegistries(context: Context) {
  return {
    /** Asks the registry whether it takes the login and keeps it; answers where. */
    login: async (server: string, options: LoginOptions): Promise<string> =>
      (await import('./login.js')).login(context, server, options),
    /** Whether the login that is kept still works; undefined if none is. */
    checkLogin: async (
      server: string,
      options: Omit<LoginOptions, 'username' | 'password'> = {},
    ): Promise<{ readonly username: string; readonly valid: boolean } | undefined> =>
      (await import('./login.js')).checkStoredLogin(context, server, options),
    /** Who is logged in. */
    user: async (server: string, options?: LogoutOptions): Promise<StoredUser | undefined> =>
      (await import('./login.js')).storedUser(context, server, options),
    logout: async (server: string, options?: LogoutOptions): Promise<'removed' | 'elsewhere' | 'none'> =>
      (await import('./login.js')).logout(context, server, options),
    logoutAll: async (options?: LogoutOptions): Promise<void> =>
      (await import('./login.js')).logoutAll(context, options),
    /** The first that registries.conf searches. */
    default: async (): Promise<string> => (await import('./login.js')).defaultRegistry(context),
    /** Images by a part of their name; `REGISTRY/TERM` asks that registry alone. */
    search: async (term: string, options?: SearchOptions): Promise<SearchResult[]> =>
      (await import('./search.js')).searchRegistries(context, term, options),
    /** What policy.json says. */
    policy: async (name?: string, path?: string): Promise<TrustReport> =>
      (await import('./policy.js')).trustReport(context, name, path),
    /** Changes policy.json: what counts for a registry, a part of one, or for `default`. */
    setPolicy: async (scope: string, change: TrustChange): Promise<void> =>
      (await import('./policy.js')).setTrust(context, scope, change),
    tags: async (name: string, options?: SearchOptions): Promise<TagResult> =>
      (await import('./search.js')).repositoryTags(context, name, options),
  }
}
