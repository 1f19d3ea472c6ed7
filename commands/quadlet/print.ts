import { BaseCommand, Args } from '../../src/cli/base-command.js'

export default class QuadletPrint extends BaseCommand {
  static override summary = "Print a quadlet's file"
  static override usage = 'quadlet print QUADLET'
  static override aliases = ['quadlet:cat']
  static override args = { quadlet: Args.string({ description: 'Such as web.container', required: true }) }

  async run(): Promise<void> {
    const { args } = await this.parse(QuadletPrint)
    const { systemd } = await this.engine()
    this.write(await systemd.readQuadlet(args.quadlet))
  }
}
