import { createHmac } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { sendMail } from '../../probe/mail.ts'
import { type Delivery, postJson } from '../../probe/post.ts'
import type { HiddenPlace, Mailbox, Target } from './target.ts'
import type { Update } from './updates.ts'

/** Finds a secret where a workload file says that it is. @throws LifeboatError */
export type Reveal = (place: HiddenPlace) => Promise<string>

/**
 * Sends one update to one target, once, within the time that the target has. What went wrong is what it came to, in words that
 * hold no secret; it is never thrown.
 */
export async function send(
  update: Update,
  target: Target,
  { reveal, clock }: { reveal: Reveal; clock: Clock },
): Promise<Delivery> {
  const endsAtMs = clock.monotonicMs() + target.timeoutSeconds * 1000
  const secret = await revealed(target, { reveal, clock })
  if (typeof secret !== 'string') return secret
  const timeoutMs = Math.max(1, Math.ceil(endsAtMs - clock.monotonicMs()))
  if (target.kind === 'email') return await sendMail(mailOf(update, target, secret), timeoutMs)
  if (target.kind === 'slack') {
    if (!/^https?:$/.test(URL.canParse(secret) ? new URL(secret).protocol : '')) {
      return { state: 'failed', reason: 'its secret is no address' }
    }
    return await postJson({
      url: secret,
      body: JSON.stringify({ text: textOf(update) }),
      timeoutMs,
    })
  }
  const body = JSON.stringify(bodyOf(update))
  const headers = {
    'x-lifeboat-delivery': `${update.id}/${encodeURIComponent(target.name)}`,
    'x-lifeboat-signature': signatureOf(body, secret, clock.now()),
  }
  return await postJson({ url: target.url, body, headers, timeoutMs })
}

/**
 * What proves that a body comes from who has the key, and when it was sent: `t=1767225600,v1=HEX`, where HEX is the HMAC-SHA256
 * of `1767225600.BODY`.
 */
function signatureOf(body: string, key: string, now: Date): string {
  const at = Math.floor(now.getTime() / 1000)
  return `t=${at},v1=${createHmac('sha256', key).update(`${at}.${body}`).digest('hex')}`
}

/** The secret of a target, empty where it has none; or why there is none, never quoting any of it. */
async function revealed(
  target: Target,
  { reveal, clock }: { reveal: Reveal; clock: Clock },
): Promise<string | Delivery> {
  const place =
    target.kind === 'webhook' ? target.key : target.kind === 'slack' ? target.url : target.login?.at
  if (place === undefined) return ''
  const found = new AbortController()
  const late = clock.sleep(target.timeoutSeconds * 1000, found.signal).then(
    () => ({ why: `within ${target.timeoutSeconds} s` }),
    () => ({ why: 'in time' }),
  )
  const asked = reveal(place).then(
    (secret) => secret || { why: '(it is empty)' },
    (error: unknown) => ({
      why: `(${error instanceof LifeboatError ? error.code : 'Unexpected'})`,
    }),
  )
  const answer = await Promise.race([asked, late])
  found.abort()
  if (typeof answer === 'string') return answer
  return { state: 'failed', reason: `its secret '${place}' cannot be read ${answer.why}` }
}

/** What a webhook is sent. Grows only; a field keeps its meaning. */
function bodyOf({ id, subject, phase, at, headline, lines, facts }: Update) {
  return { version: 1, id, subject, phase, at, headline, text: lines.join('\n'), facts }
}

function textOf({ headline, lines }: Update): string {
  return [headline, ...lines].join('\n')
}

function mailOf(update: Update, target: Mailbox & { readonly name: string }, password: string) {
  const { server, tls, login, from, to } = target
  return {
    ...{ server, tls, from, to },
    ...(login && { login: { user: login.user, password } }),
    subject: update.headline,
    text: `${update.lines.join('\n')}\n`,
    messageId: `${update.id}.${update.subject}.${encodeURIComponent(target.name)}@lifeboat.invalid`,
  }
}
