import { describe, expect, test } from 'vitest'
import { Fault } from '../../protocol/fault.ts'
import {
  checkSubscriptionPolicy,
  checkTopicPolicy,
  delayAfter,
  effectivePolicy,
  type RetryPolicy,
} from './delivery-policy.ts'

function delaysOf(policy: RetryPolicy): number[] {
  const delays: number[] = []
  for (let failures = 1; ; failures++) {
    const delay = delayAfter(policy, failures)
    if (delay === undefined) return delays
    delays.push(Math.round(delay * 100) / 100)
  }
}

function own(retries: object): RetryPolicy {
  const text = JSON.stringify({ healthyRetryPolicy: retries })
  return effectivePolicy(undefined, text).retries
}

test('by default it is tried three times more, 20 seconds apart', () => {
  expect(delaysOf(effectivePolicy(undefined, undefined).retries)).toEqual([20, 20, 20])
})

// The example in "Creating an HTTP/S delivery policy".
test('the phases follow each other: at once, shortest delay, back-off, longest delay', () => {
  const delays = delaysOf(
    own({
      minDelayTarget: 1,
      maxDelayTarget: 60,
      numRetries: 50,
      numNoDelayRetries: 3,
      numMinDelayRetries: 2,
      numMaxDelayRetries: 35,
      backoffFunction: 'exponential',
    }),
  )
  expect(delays).toHaveLength(50)
  expect(delays.slice(0, 5)).toEqual([0, 0, 0, 1, 1])
  expect([delays[5], delays[14]]).toEqual([1, 60])
  const backoff = delays.slice(5, 15)
  expect(backoff).toEqual([...backoff].sort((a, b) => a - b))
  expect(delays.slice(15)).toEqual(Array(35).fill(60))
})

test.each([
  ['linear', [5, 68.75, 132.5, 196.25, 260]],
  ['arithmetic', [5, 30.5, 81.5, 158, 260]],
  ['geometric', [5, 13.43, 36.06, 96.82, 260]],
  ['exponential', [5, 22, 56, 124, 260]],
])('the %s back-off goes from the shortest to the longest delay', (backoffFunction, delays) => {
  const policy = own({ minDelayTarget: 5, maxDelayTarget: 260, numRetries: 5, backoffFunction })
  expect(delaysOf(policy)).toEqual(delays)
})

test("a topic's policy holds for its subscriptions, which may have others unless it says no", () => {
  const topic = (disableSubscriptionOverrides: boolean) =>
    JSON.stringify({
      http: {
        defaultHealthyRetryPolicy: { numRetries: 1 },
        disableSubscriptionOverrides,
        defaultRequestPolicy: { headerContentType: 'application/json' },
      },
    })
  const subscription = JSON.stringify({
    healthyRetryPolicy: { numRetries: 2 },
    throttlePolicy: { maxReceivesPerSecond: 7 },
  })
  expect(effectivePolicy(topic(false), undefined)).toMatchObject({
    retries: { numRetries: 1 },
    contentType: 'application/json',
  })
  expect(effectivePolicy(topic(false), subscription)).toMatchObject({
    retries: { numRetries: 2 },
    maxReceivesPerSecond: 7,
    contentType: 'application/json',
  })
  expect(effectivePolicy(topic(true), subscription)).toMatchObject({
    retries: { numRetries: 1 },
    maxReceivesPerSecond: undefined,
  })
})

describe('refuses', () => {
  test.each([
    ['what is no JSON', '{'],
    ['a list', '[]'],
    ['what is not known', '{"healthyRetryPolicy":{"numTries":1}}'],
    ['a shortest delay above the longest', '{"healthyRetryPolicy":{"minDelayTarget":30}}'],
    ['a delay of more than an hour', '{"healthyRetryPolicy":{"maxDelayTarget":3601}}'],
    ['more than a hundred retries', '{"healthyRetryPolicy":{"numRetries":101}}'],
    ['more retries at once than there are', '{"healthyRetryPolicy":{"numNoDelayRetries":4}}'],
    ['half a retry', '{"healthyRetryPolicy":{"numRetries":1.5}}'],
    [
      'retries for more than an hour',
      '{"healthyRetryPolicy":{"numRetries":100,"minDelayTarget":60,"maxDelayTarget":60}}',
    ],
    ['a function that is none', '{"healthyRetryPolicy":{"backoffFunction":"constructor"}}'],
    ['no delivery at all', '{"throttlePolicy":{"maxReceivesPerSecond":0}}'],
    ['a header within a header', '{"requestPolicy":{"headerContentType":"text/plain\\r\\nx: y"}}'],
  ])('%s', (_, text) => {
    expect(() => checkSubscriptionPolicy(text)).toThrow(Fault)
  })

  test("a subscription's policy for a topic", () => {
    expect(() => checkTopicPolicy('{"healthyRetryPolicy":{"numRetries":1}}')).toThrow(
      "Invalid parameter: DeliveryPolicy Reason: 'healthyRetryPolicy' is not known",
    )
  })
})
