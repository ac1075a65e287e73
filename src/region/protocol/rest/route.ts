import { decodePath } from '../canonical-request.ts'
import type { Operation, ServiceModel } from '../model.ts'

/** Which operation a request is for, with what its path names; undefined for a path that no operation has. */
export function routeRest(
  model: ServiceModel,
  { method, path }: { readonly method: string; readonly path: string },
): { operation: Operation; labels: Record<string, string> } | undefined {
  const parts = path.replace(/\/$/, '').split('/')
  for (const operation of model.operationByName.values()) {
    const { method: wanted, uri } = operation.http ?? { method: '', uri: '' }
    if (method !== wanted) continue
    const labels = labelsIn(uri.split('?')[0]!.split('/'), parts)
    if (labels) return { operation, labels }
  }
  return undefined
}

function labelsIn(
  pattern: readonly string[],
  parts: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined
  const labels: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    if (name) labels[name] = decodePath(parts[index]!)
    else if (part !== parts[index]) return undefined
  }
  return labels
}
