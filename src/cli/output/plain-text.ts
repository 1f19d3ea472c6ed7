/**
 * What a program wrote for a terminal as text that moves no cursor: escape sequences are dropped, tabs become spaces, of
 * what was overwritten (`\r`) the last remains, and other control characters are gone. For one line.
 */
export function plainText(line: string): string {
  const last = line.replace(/\r+$/, '')
  return last
    .slice(last.lastIndexOf('\r') + 1)
    .replace(escapeSequence, '')
    .replaceAll('\t', '    ')
    .replace(unprintable, '')
}

/** ECMA-48: CSI, OSC and its kin up to their end, and two-character ones; C1 forms too. */
const escapeSequence =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]/g

/** Controls, and what changes the direction of text. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
