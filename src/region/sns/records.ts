import type { SignatureVersion } from './signing/signer.ts'

export interface Topic {
  readonly name: string
  readonly arn: string
  readonly displayName: string
  /** JSON; undefined is the default policy. */
  readonly policy?: string
  /** JSON, as it was given. */
  readonly deliveryPolicy?: string
  readonly signatureVersion: SignatureVersion
  readonly tags: readonly Tag[]
  /** Of subscriptions to it. */
  readonly deletedCount: number
}

export interface Tag {
  readonly Key: string
  readonly Value: string
}

export interface Subscription {
  readonly arn: string
  readonly topicArn: string
  readonly protocol: 'http' | 'https'
  readonly endpoint: string
  /**
   * `pending`: its endpoint has not confirmed it yet. `deactivated`: it was given up without a signature, and its endpoint
   * may take that back.
   */
  readonly status: 'pending' | 'confirmed' | 'deactivated'
  /** With which its endpoint confirms it, and until when; ISO 8601. */
  readonly token: string
  readonly tokenExpiresAt: string
  /** Whether a signed request confirmed it. */
  readonly wasAuthenticated: boolean
  readonly needsAuthenticationToEnd: boolean
  readonly isRaw: boolean
  /** All three JSON, as they were given. */
  readonly filterPolicy?: string
  readonly filterPolicyScope?: 'MessageAttributes' | 'MessageBody'
  readonly deliveryPolicy?: string
}

/** What is sent: the same to all who get it. */
export interface Message {
  /** A UUID; the same for all attempts. */
  readonly id: string
  readonly topicArn: string
  readonly text: string
  readonly subject?: string
  readonly attributes?: Readonly<Record<string, MessageAttribute>>
  /** ISO 8601. */
  readonly publishedAt: string
}

/** A binary value is base64. */
export interface MessageAttribute {
  readonly type: string
  readonly value: string
}

/** A message on its way to one subscription. */
export interface Delivery {
  readonly kind: 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation'
  readonly subscriptionArn: string
  readonly message: Message
  /** Those that have failed. */
  readonly attempts: number
  /** ISO 8601. */
  readonly nextAttemptAt: string
}
