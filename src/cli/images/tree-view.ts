import type { ImageTree, TreeUser } from '../../index.js'
import { humanSize } from '../output/units.js'

/** The lines of `image tree`. */
export function treeLines(tree: ImageTree, whatRequires: boolean): readonly string[] {
  return [
    `Image ID: ${tree.id.slice(0, 12)}`,
    `Tags:     [${tree.tags.join(' ')}]`,
    `Size:     ${humanSize(tree.size, 4)}`,
    ...(whatRequires ? userLines(tree) : layerLines(tree)),
  ]
}

function layerLines({ layers }: ImageTree): readonly string[] {
  if (layers.length === 0) return ['No Image Layers']
  const lines = layers.map(({ id, size, topLayerOf }, number) => {
    const top = topLayerOf.length === 0 ? '' : ` Top Layer of: [${topLayerOf.join(' ')}]`
    return `${branch(number === layers.length - 1)} ID: ${id.slice(0, 12)} Size: ${humanSize(size, 4)}${top}`
  })
  return ['Image Layers', ...lines]
}

function userLines({ id, users }: ImageTree): readonly string[] {
  return [`Image ${id.slice(0, 12)} is required by`, ...nested(users, '')]
}

function nested(users: readonly TreeUser[], indent: string): readonly string[] {
  return users.flatMap((user, number) => {
    const isLast = number === users.length - 1
    return [
      `${indent}${branch(isLast)} ID: ${user.id.slice(0, 12)} Size: ${humanSize(user.size, 4)} [${user.names.join(' ')}]`,
      ...nested(user.users, `${indent}${isLast ? '    ' : '│   '}`),
    ]
  })
}

function branch(isLast: boolean): string {
  return isLast ? '└──' : '├──'
}
