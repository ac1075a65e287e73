/** A broken invariant: a bug in Lifeboat, never an operator's mistake. Nothing catches it below `main`. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Throws `InvariantError` unless `condition` holds; `invariant` says in words what must be true. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new InvariantError(invariant)
}
