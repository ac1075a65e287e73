import { HEADER_BYTES } from './query.ts'
import { type Authority, respond } from './respond.ts'

/** Questions repeat; a flood of ones that do not may not take the memory. */
const MAX_KNOWN = 1_000
/** Far above any honest question, with its options. */
const MAX_QUERY_BYTES = 512

/**
 * Responds by UDP, and knows the responses that depend on nothing but the records until one of those changes.
 *
 * What is known is kept by the whole message but its number: the case of its letters and its options are part of the response.
 */
export class Responder {
  readonly #known = new Map<string, Buffer>()
  #version = -1

  constructor(private readonly authority: Authority) {}

  /** As `respond`. The caller may keep the bytes. */
  respond(message: Buffer): Buffer | undefined {
    if (this.#version !== this.authority.version) {
      this.#known.clear()
      this.#version = this.authority.version
    }
    if (message.length < HEADER_BYTES || message.length > MAX_QUERY_BYTES) return this.#ask(message)
    const key = message.toString('latin1', 2)
    const known = this.#known.get(key)
    if (known) {
      const response = Buffer.from(known)
      message.copy(response, 0, 0, 2)
      return response
    }
    return this.#ask(message, key)
  }

  #ask(message: Buffer, key?: string): Buffer | undefined {
    let isFixed = false
    const response = respond(message, 'udp', {
      version: this.#version,
      answer: (question) => {
        const answer = this.authority.answer(question)
        isFixed = answer?.isFixed === true
        return answer
      },
    })
    if (!response || !isFixed || key === undefined) return response
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(key, Buffer.from(response))
    return response
  }
}
