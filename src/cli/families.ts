import type { Command, Interfaces } from '@oclif/core'
import { existsSync, readFileSync } from 'node:fs'
import { TspodError } from '../base/errors.js'
import type { ContainerSummary, Engine } from '../index.js'
import { BaseCommand, Flags } from './base-command.js'
import { formatList, type ListLayout } from './output/list.js'
import { inOrder } from './in-order.js'
import { confirm } from './prompt.js'

/** The flags of a command's class, its family's included, as `parse` returns them. */
export type FlagsOf<T extends Pick<typeof Command, 'flags' | 'baseFlags'>> = Interfaces.InferredFlags<
  T['baseFlags'] & T['flags']
>

type Declares = Pick<typeof Command, 'flags' | 'baseFlags'>

/**
 * NAME…: does the same to each, prints a line for each, goes on after a failure. Its flags reach `act` typed:
 * `class Pause extends ContainersCommand<typeof Pause>`.
 */
export abstract class ContainersCommand<T extends Declares> extends BaseCommand {
  static override strict = false
  static override completes: typeof BaseCommand.completes = ['container']
  /** 126 and 127 are of `run` and `exec`; what starts a container that is there says 125, as in Podman. */
  static override exitStatuses: typeof BaseCommand.exitStatuses = { 'exec-not-executable': 125, 'exec-not-found': 125 }
  static override baseFlags = {
    all: Flags.boolean({ char: 'a', summary: 'Act on all containers' }),
    latest: Flags.boolean({ char: 'l', summary: 'Act on the container created last' }),
    cidfile: Flags.string({ multiple: true, multipleNonGreedy: true, summary: "Read a container's ID from this file" }),
    filter: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Act on the containers that match KEY=VALUE',
    }),
  }

  /** Does it to one container; the line to print, or nothing for the name as it was given. */
  protected abstract act(
    engine: Engine,
    name: string,
    flags: FlagsOf<T>,
    names: readonly string[],
  ): Promise<string | void>

  /** Which of all containers `--all` means. */
  protected isMeant(_container: ContainerSummary, _flags: FlagsOf<T>): boolean {
    return true
  }

  /** An error that is none, such as a missing container with `--ignore`. */
  protected isIgnored(_error: unknown, _flags: FlagsOf<T>): boolean {
    return false
  }

  /** After the last one. */
  protected finish(_engine: Engine): Promise<void> {
    return Promise.resolve()
  }

  async run(): Promise<void> {
    const declared = this.constructor as unknown as Interfaces.Input<
      FlagsOf<T>,
      typeof ContainersCommand.baseFlags,
      Record<string, unknown>
    >
    const { flags, argv } = await this.parse(declared)
    const engine = await this.engine()
    const names = await this.#names(engine, argv, flags as unknown as FlagsOf<T> & Selection)
    const work = inOrder(
      names,
      8,
      async (name) => (await this.act(engine, name, flags as unknown as FlagsOf<T>, names)) ?? name,
    )
    for await (const result of work) {
      if ('value' in result) this.print(result.value)
      else if (!this.isIgnored(result.error, flags)) this.failed(result.error)
    }
    await this.finish(engine)
  }

  async #names(engine: Engine, argv: readonly string[], flags: FlagsOf<T> & Selection): Promise<readonly string[]> {
    const { all, latest, cidfile = [], filter = [] } = flags
    // Where a container may be missing, so may the file with its ID: a service's --rm has removed both.
    const mayMiss = this.isIgnored(new TspodError('no-such-container', ''), flags)
    const fromFiles = cidfile.filter((path) => !mayMiss || existsSync(path)).map(readIdFile)
    const selects = all || latest || filter.length > 0
    if (selects && argv.length > 0)
      throw new TspodError('usage', 'no container may be named with --all, --latest or --filter')
    if (!selects && argv.length + cidfile.length === 0) throw new TspodError('usage', 'name a container, or use --all')
    if (latest) return latestOr(engine, true, argv)
    if (!selects) return [...argv, ...fromFiles]
    const listed = await engine.containers.list({ all: true, filters: filter })
    return listed.filter((container) => this.isMeant(container, flags)).map(({ id }) => id)
  }
}

/** `--filter` is `-f`, too, where nothing is forced. */
export const filteredFlags = {
  ...ContainersCommand.baseFlags,
  filter: Flags.string({
    char: 'f',
    multiple: true,
    multipleNonGreedy: true,
    summary: 'Act on the containers that match KEY=VALUE',
  }),
}

interface Selection {
  readonly all: boolean
  readonly latest: boolean
  readonly cidfile?: readonly string[]
  readonly filter?: readonly string[]
}

/** The ID that `run --cidfile` left. */
export function readIdFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().slice(0, 4096)
  } catch (error) {
    throw new TspodError('io', `reading the container's ID from ${path}`, { cause: error })
  }
}

/** NAME…, anything: does the same to each, prints a line for each, goes on after a failure. */
export abstract class ManyCommand extends BaseCommand {
  static override strict = false

  /** Does `action` to each name in turn (up to `parallel` at once) and prints what it returns. */
  protected async each(
    names: readonly string[],
    action: (name: string) => Promise<string | void>,
    parallel = 4,
  ): Promise<void> {
    for await (const result of inOrder(names, parallel, async (name) => (await action(name)) ?? name)) {
      if ('value' in result) this.print(result.value)
      else this.failed(result.error)
    }
  }
}

/** A table, its template and its JSON. Call `printList` from `run`. */
export abstract class ListCommand extends BaseCommand {
  static override baseFlags = {
    format: Flags.string({ summary: 'json, or a Go template; "table {{.ID}}" adds headings' }),
    noheading: Flags.boolean({ char: 'n', summary: 'Leave out the headings', aliases: ['no-heading'] }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print only the IDs or names' }),
    json: Flags.boolean({ summary: 'As --format json' }),
  }

  /** Prints the rows as the family's flags ask. `only` is what `--quiet` leaves of a row. */
  protected async printList<Row>(
    rows: readonly Row[],
    flags: {
      readonly format?: string | undefined
      readonly noheading: boolean
      readonly quiet: boolean
      readonly json: boolean | undefined
    },
    layout: Omit<ListLayout<Row>, 'format' | 'heading' | 'only'> & { readonly only: (row: Row) => string },
  ): Promise<void> {
    const format = flags.json === true ? 'json' : flags.format
    this.write(
      await formatList(rows, {
        ...layout,
        format,
        heading: !flags.noheading,
        only: flags.quiet ? layout.only : undefined,
      }),
    )
  }
}

/** NAME…: a JSON array of everything known, or a template applied to each. Call `printInspected` from `run`. */
export abstract class InspectCommand extends ManyCommand {
  static override baseFlags = {
    format: Flags.string({ char: 'f', summary: 'json, or a Go template' }),
  }

  /** Looks up each name; those that are missing are told after the rest has been printed. */
  protected async printInspected(
    names: readonly string[],
    format: string | undefined,
    inspect: (name: string) => Promise<unknown>,
  ): Promise<void> {
    const found: unknown[] = []
    const errors: unknown[] = []
    for await (const result of inOrder(names, 4, inspect)) {
      if ('value' in result) found.push(result.value)
      else errors.push(result.error)
    }
    this.write(await this.#formatted(found, format))
    for (const error of errors) this.failed(error)
  }

  async #formatted(found: readonly unknown[], format: string | undefined): Promise<string> {
    if (format === undefined || format === '' || format === 'json')
      return (await import('./output/json.js')).formatJson(found)
    const { renderRows } = await import('./output/template.js')
    return renderRows(format, found as readonly object[], { heading: false, headings: {} })
  }
}

/** What is meant by `--latest`, or by names: one or the other. */
export async function latestOr(engine: Engine, latest: boolean, names: readonly string[]): Promise<readonly string[]> {
  if (latest && names.length > 0) throw new TspodError('usage', '--latest and names cannot be used together')
  if (!latest && names.length === 0) throw new TspodError('usage', 'needs at least one name, or --latest')
  return latest ? (await engine.containers.list({ last: 1 })).map(({ id }) => id) : names
}

/** Exit status 0 if it is there, 1 if it is not; prints nothing. */
export abstract class ExistsCommand extends BaseCommand {
  static override strict = true

  protected abstract exists(engine: Engine, name: string): Promise<boolean>

  async run(): Promise<number> {
    const { argv } = await this.parse({ ...(this.constructor as typeof ExistsCommand), strict: false })
    const [name] = argv
    if (name === undefined || argv.length > 1)
      throw new TspodError('usage', `requires 1 argument, received ${argv.length}`)
    return (await this.exists(await this.engine(), name)) ? 0 : 1
  }
}

/** Removes what nobody uses; asks first, unless `--force`. */
export abstract class PruneCommand extends BaseCommand {
  static override baseFlags = {
    force: Flags.boolean({ char: 'f', summary: 'Do not ask' }),
    filter: Flags.string({ multiple: true, multipleNonGreedy: true, summary: 'Only those that match KEY=VALUE' }),
  }

  /** What is about to happen, for the question. */
  protected abstract warning(): string
  /** Does it; the names of what is gone. */
  protected abstract prune(engine: Engine, filters: readonly string[]): Promise<readonly string[]>

  async run(): Promise<void> {
    const { flags } = await this.parse(this.constructor as typeof PruneCommand)
    if (!flags.force && !(await confirm(this.warning()))) return
    for (const name of await this.prune(await this.engine(), flags.filter ?? [])) this.print(name)
  }
}
