import type { RestartPolicy } from '../../systemd/generate.js'

/** `tspod generate systemd`. */
export interface GenerateOptions {
  /** The program that the service calls. */
  readonly tspod: string
  /** `--root` and its kin. */
  readonly globals?: readonly string[]
  /** The service makes a new container each time. */
  readonly new?: boolean
  /** The container's name is in the service's, instead of its ID. */
  readonly name?: boolean
  readonly header?: boolean
  readonly template?: boolean
  readonly containerPrefix?: string
  readonly separator?: string
  readonly restartPolicy?: RestartPolicy
  readonly restartSeconds?: number
  readonly startTimeoutSeconds?: number
  readonly stopSeconds?: number
  readonly after?: readonly string[]
  readonly requires?: readonly string[]
  readonly wants?: readonly string[]
  readonly environment?: readonly string[]
}

export interface GeneratedService {
  /** `container-web` */
  readonly name: string
  readonly text: string
}

export interface QuadletOptions {
  /** The program that the services call. */
  readonly tspod: string
}

export interface QuadletReport {
  readonly services: readonly {
    readonly name: string
    readonly source: string
    readonly text: string
    readonly links: readonly { readonly path: string; readonly target: string }[]
  }[]
  /** One for each quadlet that cannot be a service. */
  readonly errors: readonly Error[]
}

export interface QuadletSummary {
  readonly name: string
  /** '' where it cannot be a service. */
  readonly unit: string
  readonly path: string
  /** `active/running`, `inactive/dead`, `Not loaded`, or what is wrong with it. */
  readonly status: string
  /** `.shop.app`: what it was installed with; '' if that was nothing. */
  readonly application: string
  /** `shop.pod`, of a container in one. */
  readonly pod: string
}

export interface QuadletInstallOptions {
  readonly replace?: boolean
  /** Has systemd read the units again; on unless false. */
  readonly reload?: boolean
}

export interface QuadletInstallReport {
  /** Where each file went. */
  readonly installed: readonly string[]
  /** Of systemd, which could not read its units again. */
  readonly errors: readonly Error[]
}

export interface QuadletRemoveOptions {
  readonly all?: boolean
  /** Stops services that run. */
  readonly force?: boolean
  /** One that is not there is no error. */
  readonly ignore?: boolean
  readonly reload?: boolean
}

export interface QuadletRemoveReport {
  /** Their names. */
  readonly removed: readonly string[]
  /** One for each that is still there. */
  readonly errors: readonly Error[]
}
