export interface CollectedModule {
  readonly name: string
  readonly code?: string
  readonly external?: string
}
export interface CollectOptions {
  readonly target: string
  readonly charset: 'ascii'
  readonly minify: boolean
  /** What esbuild needs to bundle @oclif/core. */
  readonly shared: object
}
export function collectModules(
  root: string,
  entries: readonly string[],
  options: CollectOptions,
): Promise<{ readonly modules: readonly CollectedModule[]; readonly numberOf: (name: string) => number }>
