import { createVerify, X509Certificate } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { jsonIn } from '../core/json.ts'

/** Whose messages a receiver believes. */
export interface NotificationTrust {
  readonly topicArn: string
  /**
   * The only origin from which a certificate is taken, as `https://sns.eu-west-1.amazonaws.com`, or the endpoint of an
   * embedded region. What a message itself says of that is not believed.
   */
  readonly certificateOrigin: string
}

/** A message whose signature was verified. */
export interface SnsMessage {
  readonly kind: 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation'
  /** The same when the message is sent again. */
  readonly id: string
  readonly topicArn: string
  readonly subject: string | undefined
  readonly text: string
  readonly publishedAt: Date
  /** Whom to visit to confirm a subscription, or to take back its end. */
  readonly subscribeUrl: string | undefined
}

/** Source: SNS Developer Guide, "Verifying the signatures of Amazon SNS messages". */
const SIGNED_FIELDS = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    ...['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  ],
  UnsubscribeConfirmation: [
    ...['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  ],
} as const
const ALGORITHM_BY_VERSION = new Map([
  ['1', 'RSA-SHA1'],
  ['2', 'RSA-SHA256'],
])

/** A text of 256 KiB, each character of which is escaped. */
const MAX_BODY_BYTES = 2 * 1024 * 1024
const MAX_CERTIFICATE_BYTES = 64 * 1024
const FETCH_DEADLINE_MS = 5000
/** How old a message may be, in milliseconds: it is delivered for an hour at most, and clocks differ. */
const MAX_AGE_MS = 65 * 60_000
const MAX_AHEAD_MS = 5 * 60_000

type Fields = Readonly<Record<string, string>>

/** Believes messages of one topic, by the certificates of one origin, which it fetches once each. */
export class SnsMessageVerifier {
  readonly #certificateByUrl = new Map<string, X509Certificate>()

  constructor(
    private readonly trust: NotificationTrust,
    private readonly clock: Clock,
  ) {}

  /**
   * @param body  as it was received
   * @throws LifeboatError `NotificationRefused`; `RegionUnreachable` when the certificate cannot be fetched
   */
  async verify(body: string): Promise<SnsMessage> {
    const fields = parse(body)
    const kind = fields.Type as SnsMessage['kind']
    if (!Object.hasOwn(SIGNED_FIELDS, kind)) throw refused(`its type is '${fields.Type}'`)
    if (fields.TopicArn !== this.trust.topicArn) {
      throw refused(`it is of the topic '${fields.TopicArn}'`)
    }
    // What is signed names its fields by line breaks only: with one inside, a subject passes for a part of another id.
    const broken = SIGNED_FIELDS[kind].find(
      (name) => name !== 'Message' && /[\r\n]/.test(fields[name] ?? ''),
    )
    if (broken) throw refused(`its ${broken} has a line break`)
    const certificate = await this.#certificateAt(fields.SigningCertURL ?? '')
    const algorithm = ALGORITHM_BY_VERSION.get(fields.SignatureVersion ?? '')
    if (!algorithm) throw refused(`its signature has the version '${fields.SignatureVersion}'`)
    const text = SIGNED_FIELDS[kind]
      .filter((name) => fields[name] !== undefined)
      .map((name) => `${name}\n${fields[name]}\n`)
      .join('')
    const isSigned = createVerify(algorithm)
      .update(text)
      .verify(certificate.publicKey, fields.Signature ?? '', 'base64')
    if (!isSigned) throw refused('its signature is not of what it says')
    return this.#message(kind, fields)
  }

  #message(kind: SnsMessage['kind'], fields: Fields): SnsMessage {
    const { MessageId: id, TopicArn: topicArn, Message: text, Timestamp, SubscribeURL } = fields
    const publishedAt = new Date(Timestamp ?? '')
    const ageMs = this.clock.now().getTime() - publishedAt.getTime()
    if (!(ageMs <= MAX_AGE_MS && ageMs >= -MAX_AHEAD_MS)) {
      throw refused(`it was published at '${Timestamp}'`)
    }
    if (id === undefined || topicArn === undefined || text === undefined) {
      throw refused('it is not complete')
    }
    const isNotification = kind === 'Notification'
    if (!isNotification && originOf(SubscribeURL ?? '') !== this.trust.certificateOrigin) {
      throw refused(`it would be confirmed at '${SubscribeURL}'`)
    }
    return {
      kind,
      id,
      topicArn,
      subject: fields.Subject,
      text,
      publishedAt,
      subscribeUrl: isNotification ? undefined : SubscribeURL,
    }
  }

  async #certificateAt(url: string): Promise<X509Certificate> {
    const isTrusted =
      originOf(url) === this.trust.certificateOrigin &&
      /^\/SimpleNotificationService-[A-Za-z0-9-]{1,128}\.pem$/.test(
        url.slice(this.trust.certificateOrigin.length),
      )
    if (!isTrusted) throw refused(`its certificate is at '${url}'`)
    const certificate = this.#certificateByUrl.get(url) ?? (await fetchCertificate(url))
    const now = this.clock.now()
    if (new Date(certificate.validFrom) > now || new Date(certificate.validTo) < now) {
      throw refused('its certificate is not valid now')
    }
    if (certificate.publicKey.asymmetricKeyType !== 'rsa') throw refused('its key is not for RSA')
    this.#certificateByUrl.set(url, certificate)
    return certificate
  }
}

async function fetchCertificate(url: string): Promise<X509Certificate> {
  const pem = await fetchText(url)
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw refused(`there is no certificate at '${url}'`, cause)
  }
}

async function fetchText(url: string): Promise<string> {
  try {
    const response = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.timeout(FETCH_DEADLINE_MS),
    })
    if (!response.ok || !response.body) throw new Error(`the answer is ${response.status}`)
    let text = ''
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.length > MAX_CERTIFICATE_BYTES) throw new Error('the answer is too long')
    }
    return text
  } catch (cause) {
    throw new LifeboatError('RegionUnreachable', `the certificate at '${url}' cannot be fetched`, {
      cause,
    })
  }
}

function parse(body: string): Fields {
  if (body.length > MAX_BODY_BYTES) throw refused('it is too long')
  const value = jsonIn(body)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused('it is no JSON object')
  }
  const texts = Object.entries(value).filter(([, held]) => typeof held === 'string')
  return Object.fromEntries(texts)
}

/** Undefined for what is no URL, and for one with a user name in it. */
function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { origin, username, password } = new URL(url)
  return username === '' && password === '' ? origin : undefined
}

function refused(why: string, cause?: unknown): LifeboatError {
  return new LifeboatError('NotificationRefused', `a notification was refused: ${why}`, { cause })
}
