import { formatReference, isTag, parseFamiliar, withDefaultTag } from '../../image/reference.js'

/** The name that a local image gets: `localhost/` where it names no registry; a tag alone is a name, too. */
export function localName(text: string): string {
  const reference = withDefaultTag(parseFamiliar(isTag(text) && /[A-Z]/.test(text) ? text.toLowerCase() : text))
  return formatReference(reference.domain === '' ? { ...reference, domain: 'localhost' } : reference)
}
