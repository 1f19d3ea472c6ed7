import { formatReference, isTag, parseFamiliar, withDefaultTag } from '../../image/reference.js'

/** The name that a local image gets: `localhost/` where it names no registry. */
export function localName(text: string): string {
  const reference = withDefaultTag(parseFamiliar(text))
  return formatReference(reference.domain === '' ? { ...reference, domain: 'localhost' } : reference)
}

/** The same of a name that a layout has, which may be a tag alone, with capitals. */
export function layoutName(text: string): string {
  return localName(isTag(text) ? text.toLowerCase() : text)
}
