import { type Document, isNode } from 'yaml'

/** Something in a workload file that cannot be used, at its place. */
export interface Mistake {
  readonly offset: number
  readonly message: string
  readonly hint?: string
}

/** The place of the value at `path`, or of its nearest parent that is there. */
export function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}
