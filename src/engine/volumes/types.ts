export interface VolumeCreateOptions {
  /** Without: 64 digits, and the volume goes with the container that used it. */
  readonly name?: string
  readonly driver?: string
  readonly labels?: Readonly<Record<string, string>>
  /** mount(8) options of the volume: `type`, `device`, `o`. */
  readonly options?: Readonly<Record<string, string>>
  /** Whose it is, in the containers' ids. */
  readonly uid?: number
  readonly gid?: number
  /** One of that name is no error. */
  readonly ignore?: boolean
}

export interface VolumeRemoveOptions {
  /** Containers that use it are removed, too; a volume that is not there is no error. */
  readonly force?: boolean
  /** With `force`: seconds from the stop signal to SIGKILL. */
  readonly timeoutSeconds?: number
}

/** What `volume inspect` and `volume ls` show: the field names of Podman and Docker. */
export interface VolumeInspection {
  readonly Name: string
  readonly Driver: string
  readonly Mountpoint: string
  readonly CreatedAt: string
  readonly Labels: Readonly<Record<string, string>>
  readonly Scope: 'local'
  readonly Options: Readonly<Record<string, string>>
  readonly MountCount: number
  readonly NeedsCopyUp: boolean
  readonly Anonymous: boolean
  readonly UID: number
  readonly GID: number
}
