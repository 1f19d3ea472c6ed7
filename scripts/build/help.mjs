import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Help } from '@oclif/core'

const helpOptions = { hideAliasesFromRoot: true, maxWidth: 110 }

/** What the groups of commands are for. */
export const topics = Object.fromEntries(
  Object.entries({
    artifact: 'Manage OCI artifacts',
    builder: 'Manage builds',
    buildx: 'Build images',
    container: 'Manage containers',
    generate: "Generate units for the user's systemd",
    healthcheck: 'Manage health checks',
    image: 'Manage images',
    'image:trust': 'Manage which images are trusted',
    manifest: 'Manage manifest lists',
    quadlet: 'Manage quadlets',
    system: 'Manage tspod itself',
    volume: 'Manage volumes',
  }).map(([name, description]) => [name, { description }]),
)

class WrittenHelp extends Help {
  lines = []

  log(...texts) {
    this.lines.push(...texts)
  }

  /** Without the versions, which are of whoever built it. */
  formatRoot() {
    return super.formatRoot().replace(/^VERSION\n.*\n\n/m, '')
  }
}

/** oclif's help of every command and topic as dist/help/ID.txt, `.txt` for all of it: to show one, nothing is loaded. */
export async function writeHelp(config, dist) {
  const folder = join(dist, 'help')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const ids = config.commandIDs.filter((id) => !id.startsWith('__'))
  const groups = config.topics.map(({ name }) => name).filter((name) => !ids.includes(name) && !name.startsWith('__'))
  for (const id of ['', ...ids, ...groups]) {
    // oclif puts spaces into the IDs of the commands that it lists.
    for (const command of config.commands) command.id = command.id.replaceAll(' ', ':')
    const help = new WrittenHelp(config, helpOptions)
    await help.showHelp(id === '' ? [] : id.split(':'))
    writeFileSync(join(folder, `${id}.txt`), `${help.lines.join('\n')}\n`)
  }
}
