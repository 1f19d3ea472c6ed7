export function toRoff(markdown: string, page: string, version: string): string
