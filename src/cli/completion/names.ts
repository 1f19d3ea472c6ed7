import type { Engine } from '../../index.js'

/** Names to complete with. Completion never complains: what cannot be read has no names. */
export async function namesOf(kind: string, open: () => Promise<Engine>): Promise<readonly string[]> {
  try {
    return await readNames(kind, await open())
  } catch {
    return []
  }
}

async function readNames(kind: string, engine: Engine): Promise<readonly string[]> {
  switch (kind) {
    case 'container':
      return (await engine.containers.list({ all: true })).map(({ name }) => name)
    case 'running':
      return (await engine.containers.list({})).map(({ name }) => name)
    case 'image':
      return (await engine.images.list({})).flatMap(({ repoTags }) => repoTags.flatMap(spellings))
    case 'volume':
      return (await engine.volumes.list()).map(({ Name }) => Name)
    case 'object':
      return [
        ...(await readNames('container', engine)),
        ...(await readNames('image', engine)),
        ...(await readNames('volume', engine)),
      ]
    case 'donor':
      return (await readNames('running', engine)).map((name) => `container:${name}`)
    default:
      return []
  }
}

/** `docker.io/library/busybox:latest` is usually typed `busybox`. */
function spellings(tag: string): string[] {
  const short = tag.replace(/^docker\.io\/(?:library\/)?/, '')
  const bare = short.replace(/:latest$/, '')
  return [...new Set([tag, short, bare])]
}
