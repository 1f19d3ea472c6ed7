import { TspodError } from '../../base/errors.js'

/** One entry: its fields as bytes. A field that comes twice has its last value. */
export type JournalEntry = ReadonlyMap<string, Buffer>

const newline = 0x0a
const equals = 0x3d
const lengthBytes = 8
/** Longer than anything of ours: the monitor's records have at most 64 KiB. */
const longestField = 16 * 1024 * 1024

/**
 * Reads the journal's export format as it comes (https://systemd.io/JOURNAL_EXPORT_FORMATS/): `KEY=text`, or `KEY` and
 * then bytes with their length in front; an empty line ends an entry.
 */
export class JournalExport {
  #rest: Buffer = Buffer.alloc(0)
  #entry = new Map<string, Buffer>()

  /** The entries that are whole with these bytes. Throws where the format is broken. */
  read(bytes: Buffer): JournalEntry[] {
    const whole: JournalEntry[] = []
    const data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    let at = 0
    for (let next = this.#line(data, at); next !== undefined; next = this.#line(data, at)) {
      if (next === at + 1 && this.#entry.size > 0) {
        whole.push(this.#entry)
        this.#entry = new Map()
      }
      at = next
    }
    this.#rest = data.subarray(at)
    if (this.#rest.length > longestField) throw broken('a field is too long')
    return whole
  }

  /** Where the next field begins; undefined if this one is not whole. */
  #line(data: Buffer, at: number): number | undefined {
    const end = data.indexOf(newline, at)
    if (end < 0) return undefined
    if (end === at) return end + 1
    const field = data.subarray(at, end)
    const sign = field.indexOf(equals)
    if (sign >= 0) {
      this.#entry.set(field.toString('latin1', 0, sign), field.subarray(sign + 1))
      return end + 1
    }
    const begin = end + 1 + lengthBytes
    if (data.length < begin) return undefined
    const length = data.readBigUInt64LE(end + 1)
    if (length > BigInt(longestField)) throw broken('a field is too long')
    const last = begin + Number(length)
    if (data.length <= last) return undefined
    if (data[last] !== newline) throw broken('a field does not end where it should')
    this.#entry.set(field.toString('latin1'), data.subarray(begin, last))
    return last + 1
  }
}

function broken(why: string): TspodError {
  return new TspodError('io', `journalctl wrote something that is not the journal's export format: ${why}`)
}
