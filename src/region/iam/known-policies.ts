import type { PolicyDocument, PolicyKind } from './policy/document.ts'
import { parsePolicy } from './policy/parse.ts'

/** How many policies are kept as they were understood. */
const MOST = 1000

/** Understands each policy once, however many requests it decides. The least recently used are forgotten. */
export class KnownPolicies {
  readonly #byText = new Map<string, PolicyDocument>()

  /** @throws PolicyError */
  read(text: string, kind: PolicyKind): PolicyDocument {
    const key = `${kind} ${text}`
    const known = this.#byText.get(key)
    const policy = known ?? parsePolicy(text, kind)
    this.#byText.delete(key)
    this.#byText.set(key, policy)
    if (this.#byText.size > MOST) this.#byText.delete(this.#byText.keys().next().value!)
    return policy
  }
}
