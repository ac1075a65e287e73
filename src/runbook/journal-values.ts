import { assert } from '../core/assert.ts'
import type { Json } from './runbook.ts'

/** Names under which credentials travel; a journal never has a value for one (I12). */
const CREDENTIAL =
  /^(password|passwd|pgpassword|secret_?access_?key|session_?token|private_?key|secret_?string)$/i

/**
 * A value as the journal gives it back: what JSON keeps of it, so that a step sees the same before and after a crash.
 *
 * @param what  names the value when it holds something that looks like a credential, which is a mistake in a runbook
 */
export function journalValue(what: string, value: unknown): Json {
  const text = JSON.stringify(value ?? null, (key, part) => {
    const isCredential = typeof part === 'string' && part !== '' && CREDENTIAL.test(key)
    assert(!isCredential, `${what} holds no credentials (I12): '${key}'`)
    const isUrlWithOne = typeof part === 'string' && /\w+:\/\/[^\s/@:]*:[^\s/@]+@/.test(part)
    assert(!isUrlWithOne, `${what} holds no credentials (I12): a URL`)
    return part
  })
  return JSON.parse(text)
}
