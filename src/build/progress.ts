/**
 * What a build tells while it goes on, in order: data for whoever shows it. `step` is a number that holds for one build;
 * steps run side by side, so events of several are mixed.
 */
export type BuildEvent =
  | {
      readonly type: 'step-started'
      readonly step: number
      /** `[stage 2/5] RUN make`, `[internal] load build context`, `exporting to image` … */
      readonly name: string
      /** The Dockerfile's line, if the step has one. */
      readonly line?: number
    }
  /** A finished part of a step: layers of its base that arrived, bytes of a context. */
  | {
      readonly type: 'step-progress'
      readonly step: number
      readonly id: string
      readonly current: number
      readonly total?: number
    }
  | {
      readonly type: 'step-output'
      readonly step: number
      readonly stream: 'stdout' | 'stderr'
      readonly bytes: Buffer
    }
  | {
      readonly type: 'step-finished'
      readonly step: number
      readonly cached: boolean
      /** Milliseconds. */
      readonly duration: number
      /** Why the step failed, in one line. */
      readonly error?: string
    }
  | { readonly type: 'warning'; readonly rule?: string; readonly message: string; readonly line?: number }
