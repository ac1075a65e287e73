import { invalid, unsupported } from '../faults.ts'

/** How often a delivery is tried again, and when. Source: SNS Developer Guide, "Creating an HTTP/S delivery policy". */
export interface RetryPolicy {
  /** In seconds, both. */
  readonly minDelayTarget: number
  readonly maxDelayTarget: number
  /** All of them together: at once, before, in and after the back-off. */
  readonly numRetries: number
  readonly numNoDelayRetries: number
  readonly numMinDelayRetries: number
  readonly numMaxDelayRetries: number
  readonly backoffFunction: BackoffFunction
}

/** What a subscription's deliveries follow: its own policy, else its topic's, else the default. */
export interface DeliveryPolicy {
  readonly retries: RetryPolicy
  readonly maxReceivesPerSecond: number | undefined
  readonly contentType: string
}

const DEFAULT_RETRIES: RetryPolicy = {
  minDelayTarget: 20,
  maxDelayTarget: 20,
  numRetries: 3,
  numNoDelayRetries: 0,
  numMinDelayRetries: 0,
  numMaxDelayRetries: 0,
  backoffFunction: 'linear',
}
const DEFAULT_CONTENT_TYPE = 'text/plain; charset=UTF-8'

const MAX_DELAY = 3600
const MAX_TOTAL_DELAY = 3600
const MAX_RETRIES = 100
const MAX_LENGTH = 10_240
const CONTENT_TYPE =
  /^(text|application)\/[a-z0-9][a-z0-9.+-]{0,60}(; ?charset=[A-Za-z0-9-]{1,20})?$/

/** How far from the first delay to the last one retry `i` of `n` is, both counted from 0; `ratio` is last to first. */
const BACKOFF = {
  linear: (i: number, n: number) => i / (n - 1),
  arithmetic: (i: number, n: number) => (i * (i + 1)) / (n * (n - 1)),
  geometric: (i: number, n: number, ratio: number) =>
    ratio === 1 ? 0 : (ratio ** (i / (n - 1)) - 1) / (ratio - 1),
  exponential: (i: number, n: number) => (2 ** i - 1) / (2 ** (n - 1) - 1),
} as const
export type BackoffFunction = keyof typeof BACKOFF

/**
 * How long to wait after so many failed attempts, in seconds; undefined when it was the last one.
 *
 * Unlike AWS: attempts have no jitter; and what the four functions of the back-off are, AWS shows in a diagram only.
 *
 * @param failures  1 after the first attempt
 */
export function delayAfter(policy: RetryPolicy, failures: number): number | undefined {
  const { minDelayTarget: min, maxDelayTarget: max, numRetries, backoffFunction } = policy
  const { numNoDelayRetries, numMinDelayRetries, numMaxDelayRetries } = policy
  if (failures > numRetries) return undefined
  if (failures <= numNoDelayRetries) return 0
  const behind = failures - numNoDelayRetries - numMinDelayRetries
  if (behind <= 0) return min
  const inBackoff = numRetries - numNoDelayRetries - numMinDelayRetries - numMaxDelayRetries
  if (behind > inBackoff) return max
  if (inBackoff === 1) return min
  return min + (max - min) * BACKOFF[backoffFunction](behind - 1, inBackoff, max / min)
}

type Json = Readonly<Record<string, unknown>>

/**
 * What applies to a subscription.
 *
 * @param topic         the topic's policy, JSON
 * @param subscription  its own, JSON
 */
export function effectivePolicy(
  topic: string | undefined,
  subscription: string | undefined,
): DeliveryPolicy {
  const ofTopic = readTopicPolicy(topic)
  const own =
    subscription === undefined || ofTopic.disablesOverrides
      ? undefined
      : readSubscriptionPolicy(subscription)
  return {
    retries: own?.retries ?? ofTopic.retries ?? DEFAULT_RETRIES,
    maxReceivesPerSecond: own?.maxReceivesPerSecond ?? ofTopic.maxReceivesPerSecond,
    contentType: own?.contentType ?? ofTopic.contentType ?? DEFAULT_CONTENT_TYPE,
  }
}

/** How GetTopicAttributes tells what applies to HTTP/S subscriptions without a policy of their own. */
export function effectiveTopicPolicy(topic: string | undefined): string {
  const { retries, maxReceivesPerSecond, contentType } = effectivePolicy(topic, undefined)
  return JSON.stringify({
    http: {
      defaultHealthyRetryPolicy: retries,
      disableSubscriptionOverrides: readTopicPolicy(topic).disablesOverrides,
      ...(maxReceivesPerSecond === undefined
        ? {}
        : { defaultThrottlePolicy: { maxReceivesPerSecond } }),
      defaultRequestPolicy: { headerContentType: contentType },
    },
  })
}

/** How GetSubscriptionAttributes tells what applies. */
export function effectiveSubscriptionPolicy(policy: DeliveryPolicy): string {
  const { retries, maxReceivesPerSecond, contentType } = policy
  return JSON.stringify({
    healthyRetryPolicy: retries,
    sicklyRetryPolicy: null,
    throttlePolicy: maxReceivesPerSecond === undefined ? null : { maxReceivesPerSecond },
    requestPolicy: { headerContentType: contentType },
    guaranteed: false,
  })
}

/** @throws SnsFault `InvalidParameterException` */
export function checkTopicPolicy(text: string): void {
  readTopicPolicy(text)
}

/** @throws SnsFault `InvalidParameterException` */
export function checkSubscriptionPolicy(text: string): void {
  readSubscriptionPolicy(text)
}

function readTopicPolicy(text: string | undefined) {
  const { http = {} } = objectOf(text === undefined ? {} : parse(text), ['http'])
  const policy = objectOf(http, [
    ...['defaultHealthyRetryPolicy', 'disableSubscriptionOverrides'],
    ...['defaultThrottlePolicy', 'defaultRequestPolicy', 'defaultSicklyRetryPolicy'],
  ])
  if (policy.defaultSicklyRetryPolicy) throw unsupported('A sickly retry policy')
  const { disableSubscriptionOverrides = false } = policy
  if (typeof disableSubscriptionOverrides !== 'boolean') {
    throw wrong('disableSubscriptionOverrides is true or false')
  }
  return {
    disablesOverrides: disableSubscriptionOverrides,
    retries: readRetries(policy.defaultHealthyRetryPolicy),
    maxReceivesPerSecond: readThrottle(policy.defaultThrottlePolicy),
    contentType: readRequest(policy.defaultRequestPolicy),
  }
}

function readSubscriptionPolicy(text: string) {
  const policy = objectOf(parse(text), [
    ...['healthyRetryPolicy', 'sicklyRetryPolicy', 'throttlePolicy', 'requestPolicy', 'guaranteed'],
  ])
  if (policy.sicklyRetryPolicy) throw unsupported('A sickly retry policy')
  if (policy.guaranteed) throw unsupported('Guaranteed delivery')
  return {
    retries: readRetries(policy.healthyRetryPolicy),
    maxReceivesPerSecond: readThrottle(policy.throttlePolicy),
    contentType: readRequest(policy.requestPolicy),
  }
}

function readRetries(value: unknown): RetryPolicy | undefined {
  if (value === undefined || value === null) return undefined
  const given = objectOf(value, Object.keys(DEFAULT_RETRIES))
  const policy = { ...DEFAULT_RETRIES, ...given } as RetryPolicy
  const whole = (name: keyof RetryPolicy, least: number, most: number) => {
    const number = policy[name]
    if (!Number.isInteger(number) || Number(number) < least || Number(number) > most) {
      throw wrong(`${name} is from ${least} to ${most}`)
    }
  }
  whole('maxDelayTarget', 1, MAX_DELAY)
  whole('minDelayTarget', 1, policy.maxDelayTarget)
  whole('numRetries', 0, MAX_RETRIES)
  whole('numNoDelayRetries', 0, policy.numRetries)
  whole('numMinDelayRetries', 0, policy.numRetries - policy.numNoDelayRetries)
  const left = policy.numRetries - policy.numNoDelayRetries - policy.numMinDelayRetries
  whole('numMaxDelayRetries', 0, left)
  if (!Object.hasOwn(BACKOFF, policy.backoffFunction)) {
    throw wrong(`backoffFunction is one of ${Object.keys(BACKOFF).join(', ')}`)
  }
  let total = 0
  for (let i = 1; i <= policy.numRetries; i++) total += delayAfter(policy, i) ?? 0
  if (total > MAX_TOTAL_DELAY) {
    throw wrong(`all retries take ${Math.ceil(total)} s, and may take ${MAX_TOTAL_DELAY} s`)
  }
  return policy
}

function readThrottle(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  const { maxReceivesPerSecond: most } = objectOf(value, ['maxReceivesPerSecond'])
  if (most === undefined || most === null) return undefined
  if (!Number.isInteger(most) || Number(most) < 1) throw wrong('maxReceivesPerSecond is at least 1')
  return Number(most)
}

function readRequest(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  const { headerContentType: type } = objectOf(value, ['headerContentType'])
  if (type === undefined) return undefined
  if (typeof type !== 'string' || !CONTENT_TYPE.test(type)) {
    throw wrong('headerContentType is a media type, as application/json')
  }
  return type
}

function parse(text: string): unknown {
  try {
    if (text.length <= MAX_LENGTH) return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw wrong(`it is JSON of at most ${MAX_LENGTH} characters`)
}

function objectOf(value: unknown, names: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong('it is an object of objects')
  }
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown !== undefined) throw wrong(`'${unknown}' is not known`)
  return value as Json
}

function wrong(reason: string) {
  return invalid('DeliveryPolicy', reason)
}
