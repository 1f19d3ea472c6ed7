import type { Context } from '../context.js'
import type {
  GeneratedService,
  GenerateOptions,
  QuadletInstallOptions,
  QuadletInstallReport,
  QuadletOptions,
  QuadletRemoveOptions,
  QuadletRemoveReport,
  QuadletReport,
  QuadletSummary,
} from './types.js'

/** `engine.systemd`: services for the user's systemd. Each operation loads its code when it is first called. */
export function bindSystemd(context: Context) {
  return {
    /** Services that run containers that exist, as text. */
    generate: async (nameOrId: string, options: GenerateOptions): Promise<GeneratedService> => {
      const service = (await import('./generate.js')).generateService(context, nameOrId, options)
      await (await import('./linger.js')).warnOfLogout(context)
      return service
    },
    /** The services that the user's quadlets make, and what is wrong with the others. */
    quadlets: async (options: QuadletOptions): Promise<QuadletReport> =>
      (await import('./quadlet.js')).convertQuadlets(context, options),
    /** Writes them for systemd, as its generator. */
    writeQuadlets: async (report: QuadletReport, folder: string): Promise<void> =>
      (await import('./quadlet.js')).writeQuadlets(report, folder),
    installQuadlets: async (
      paths: readonly string[],
      options: QuadletInstallOptions = {},
    ): Promise<QuadletInstallReport> => (await import('./quadlet-install.js')).installQuadlets(context, paths, options),
    listQuadlets: async (options: QuadletOptions): Promise<QuadletSummary[]> =>
      (await import('./quadlet-list.js')).listQuadlets(context, options),
    /** A quadlet's file as it is. */
    readQuadlet: async (name: string): Promise<string> =>
      (await import('./quadlet-list.js')).readQuadlet(context, name),
    /** Removes the files of quadlets and what came with them; says which. */
    removeQuadlets: async (
      names: readonly string[],
      options: QuadletRemoveOptions = {},
    ): Promise<QuadletRemoveReport> => (await import('./quadlet-remove.js')).removeQuadlets(context, names, options),
  }
}
