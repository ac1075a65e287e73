import { expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { snsUnderTest } from './sns-under-test.ts'

const region = snsUnderTest()

/** Lets time pass, fifty times as fast, until so much has come. */
async function passTimeUntil(path: string, count: number) {
  await until(`${count} messages have come to ${path}`, 60_000, async () => {
    if (region.sink().at(path).length >= count) return true
    region.clock.forward(1000)
    return false
  })
}

test('what an endpoint could not take comes again, by the clock, with the same id', async () => {
  const TopicArn = await region.topic('again')
  await region.subscribed(TopicArn, '/again')
  region.sink().answer('/again', 503, 503, 200)
  const { MessageId } = await region.sdk().publish({ TopicArn, Message: 'm' })
  await region.sink().waitFor('/again', 1)
  await passTimeUntil('/again', 3)
  const ids = region
    .sink()
    .at('/again')
    .map(({ headers }) => headers['x-amz-sns-message-id'])
  expect(ids).toEqual([MessageId, MessageId, MessageId])
  await until('it counts as delivered', 60_000, async () => {
    return (await region.metrics('again')).NumberOfNotificationsDelivered === 1
  })
})

test('after the last retry it is given up, and counts as failed', async () => {
  const TopicArn = await region.topic('given-up')
  const DeliveryPolicy = JSON.stringify({
    healthyRetryPolicy: { numRetries: 2, numNoDelayRetries: 2 },
  })
  await region.subscribed(TopicArn, '/given-up', { DeliveryPolicy })
  region.sink().answer('/given-up', 500)
  await region.sdk().publish({ TopicArn, Message: 'm' })
  await until('it counts as failed', 60_000, async () => {
    return (await region.metrics('given-up')).NumberOfNotificationsFailed === 1
  })
  expect(region.sink().at('/given-up')).toHaveLength(3)
})

test('a refusal and a redirection are not tried again, nor followed', async () => {
  const TopicArn = await region.topic('refused')
  await region.subscribed(TopicArn, '/forbidden')
  await region.subscribed(TopicArn, '/moved')
  region.sink().answer('/forbidden', 403)
  region.sink().answer('/moved', 307)
  await region.sdk().publish({ TopicArn, Message: 'm' })
  await until('both count as failed', 60_000, async () => {
    return (await region.metrics('refused')).NumberOfNotificationsFailed === 2
  })
  region.clock.forward(60_000)
  expect(
    region
      .sink()
      .received.map(({ path }) => path)
      .sort(),
  ).toEqual(['/forbidden', '/moved'])
})

test('an endpoint that is away does not keep others waiting', async () => {
  const TopicArn = await region.topic('mixed')
  // Within this test it is not given up.
  const DeliveryPolicy = JSON.stringify({
    healthyRetryPolicy: { numRetries: 1, minDelayTarget: 3600, maxDelayTarget: 3600 },
  })
  await region.subscribed(TopicArn, '/away', { DeliveryPolicy })
  await region.subscribed(TopicArn, '/here')
  region.sink().answer('/away', 503)
  for (const Message of ['1', '2', '3']) await region.sdk().publish({ TopicArn, Message })
  await region.sink().waitFor('/here', 3)
})

test('no more than so many a second, where a policy says so', async () => {
  const TopicArn = await region.topic('throttled')
  const DeliveryPolicy = JSON.stringify({ throttlePolicy: { maxReceivesPerSecond: 1 } })
  await region.subscribed(TopicArn, '/throttled', { DeliveryPolicy })
  await region.subscribed(TopicArn, '/free')
  const beganAt = region.clock.now().getTime()
  for (const Message of ['1', '2', '3']) await region.sdk().publish({ TopicArn, Message })
  await region.sink().waitFor('/free', 3)
  const received = region.sink().at('/throttled').length
  const seconds = Math.floor((region.clock.now().getTime() - beganAt) / 1000)
  // One at once, and one more for each second that a busy machine has needed.
  expect(received).toBeLessThanOrEqual(1 + seconds)
  await passTimeUntil('/throttled', 3)
})

test('what was on its way when the region ended arrives after its start', async () => {
  const TopicArn = await region.topic('restarted')
  await region.subscribed(TopicArn, '/restarted')
  region.sink().answer('/restarted', 503, 200)
  const { MessageId } = await region.sdk().publish({ TopicArn, Message: 'still here' })
  await region.sink().waitFor('/restarted', 1)
  await region.restart()
  await passTimeUntil('/restarted', 2)
  const [, received] = region.sink().at('/restarted')
  expect(await region.verifier(TopicArn).verify(received!.body)).toMatchObject({
    id: MessageId,
    text: 'still here',
  })
})

test('endpoints that hang do not delay the others', async () => {
  const hanging = await region.topic('hanging')
  const paths = Array.from({ length: 8 }, (_, n) => `/hanging-${n}`)
  for (const path of paths) {
    await region.subscribed(hanging, path)
    region.sink().hang(path)
  }
  const TopicArn = await region.topic('beside')
  await region.subscribed(TopicArn, '/beside')
  await Promise.all(
    paths.map((_, n) => region.sdk().publish({ TopicArn: hanging, Message: `${n}` })),
  )
  for (const path of paths) await region.sink().waitFor(path, 8)
  await region.sdk().publish({ TopicArn, Message: 'm' })
  // Not one of the others had to end first, as each does after fifteen seconds without an answer.
  const [beside] = await region.sink().waitFor('/beside')
  expect(beside!.besideHanging).toBe(8 * 8)
  await region.sdk().deleteTopic({ TopicArn: hanging })
})
