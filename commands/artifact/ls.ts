import { digestHex, shortDigest } from '../../src/base/digest.js'
import type { ArtifactSummary } from '../../src/index.js'
import { ListCommand } from '../../src/cli/families.js'
import { switchFlag } from '../../src/cli/flags/define.js'
import { humanSize } from '../../src/cli/output/units.js'

export default class ArtifactLs extends ListCommand {
  static override summary = 'List artifacts'
  static override usage = 'artifact ls [OPTION]…'
  static override aliases = ['artifact:list']
  static override positionals = { maximum: 0 }
  static override flags = { 'no-trunc': switchFlag('Show whole digests') }

  async run(): Promise<void> {
    const { flags } = await this.parse(ArtifactLs)
    const { artifacts } = await this.engine()
    const shown = (artifact: ArtifactSummary): Row => rowOf(artifact, flags['no-trunc'])
    await this.printList((await artifacts.list()).map(shown), flags, {
      columns: [
        { heading: 'REPOSITORY', cell: ({ Repository }) => Repository },
        { heading: 'TAG', cell: ({ Tag }) => Tag },
        { heading: 'DIGEST', cell: ({ Digest }) => Digest },
        { heading: 'SIZE', cell: ({ Size }) => Size },
      ],
      only: ({ Digest }) => Digest,
      fields: (row) => row,
      headings: {},
    })
  }
}

interface Row {
  readonly Repository: string
  readonly Tag: string
  readonly Digest: string
  readonly Size: string
  /** Bytes. */
  readonly VirtualSize: number
}

function rowOf({ name, digest, size }: ArtifactSummary, noTrunc: boolean): Row {
  const [, Repository = name, Tag = '<none>'] = /^([^@]+?)(?::([^/:@]+))?(?:@.*)?$/.exec(name) ?? []
  const Digest = noTrunc ? digestHex(digest) : shortDigest(digest)
  return { Repository, Tag, Digest, Size: humanSize(size), VirtualSize: size }
}
