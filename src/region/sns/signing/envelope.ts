import type { Delivery, MessageAttribute } from '../records.ts'
import type { SignatureVersion } from './signer.ts'

/** The fields that a signature is over, by the type of the message; `Subject` only where there is one. */
const SIGNED_FIELDS: Readonly<Record<Delivery['kind'], readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    ...['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  ],
  UnsubscribeConfirmation: [
    ...['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  ],
}

export interface Signing {
  readonly version: SignatureVersion
  readonly certificateUrl: string
  sign(text: string): Promise<string>
}

/** The JSON document that an endpoint receives, signed. Source: SNS Developer Guide, "HTTP/HTTPS notification JSON format". */
export async function notificationEnvelope(
  { message }: Delivery,
  unsubscribeUrl: string,
  signing: Signing,
): Promise<string> {
  const { id, topicArn, subject, text, publishedAt, attributes } = message
  const fields = {
    Type: 'Notification',
    MessageId: id,
    TopicArn: topicArn,
    ...(subject === undefined ? {} : { Subject: subject }),
    Message: text,
    Timestamp: publishedAt,
  }
  return await signed('Notification', fields, signing, {
    UnsubscribeURL: unsubscribeUrl,
    ...(attributes ? { MessageAttributes: toldAttributes(attributes) } : {}),
  })
}

/** The JSON document by which an endpoint can confirm, or take back the end of a subscription. */
export async function confirmationEnvelope(
  { kind, message }: Delivery,
  { token, subscribeUrl }: { token: string; subscribeUrl: string },
  signing: Signing,
): Promise<string> {
  const { id, topicArn, text, publishedAt } = message
  const fields = {
    Type: kind,
    MessageId: id,
    Token: token,
    TopicArn: topicArn,
    Message: text,
    SubscribeURL: subscribeUrl,
    Timestamp: publishedAt,
  }
  return await signed(kind, fields, signing, {})
}

async function signed(
  kind: Delivery['kind'],
  fields: Readonly<Record<string, string>>,
  { version, certificateUrl, sign }: Signing,
  unsigned: object,
): Promise<string> {
  const text = SIGNED_FIELDS[kind]
    .filter((name) => fields[name] !== undefined)
    .map((name) => `${name}\n${fields[name]}\n`)
    .join('')
  const signature = {
    SignatureVersion: version,
    Signature: await sign(text),
    SigningCertURL: certificateUrl,
  }
  return JSON.stringify({ ...fields, ...signature, ...unsigned }, undefined, 2)
}

function toldAttributes(attributes: Readonly<Record<string, MessageAttribute>>): object {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { type, value }]) => [
      name,
      { Type: type, Value: value },
    ]),
  )
}
