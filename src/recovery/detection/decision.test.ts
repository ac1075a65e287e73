import { expect, test } from 'vitest'
import { decide, type Signal, type SignalKind, type SignalState } from './decision.ts'

const SHORT: Readonly<Record<string, SignalState>> = {
  '+': 'healthy',
  '-': 'failing',
  '?': 'unknown',
}

/** `write-`, or `write-@b` where somebody else than `a` has looked. */
function signals(text: string): Signal[] {
  return text.split(' ').map((word) => {
    const [, kind, sign, source = 'a'] = /^([a-z-]+?)([-+?])(?:@(\w+))?$/.exec(word)!
    const since = '2026-01-15T10:30:00.000Z'
    return { name: word, kind: kind as SignalKind, source, state: SHORT[sign!]!, since }
  })
}

test.each([
  ['all is well', 'write+ read+ api+ own-network+', 'nothing'],
  [
    'the API is dead and writes succeed: the commonest event',
    'write+ api- health-check-@r53',
    'freeze',
  ],
  ['one vantage point writes, another does not', 'write- write+@b health-check-@r53', 'nothing'],
  ['Lifeboat is cut off', 'write- read- api- own-network- health-check+@r53', 'unknown'],
  ['Lifeboat is cut off and nobody else is asked', 'write- api- own-network-', 'unknown'],
  ['only Lifeboat says so', 'write- read- api- own-network+', 'unknown'],
  ['two signals of one source', 'write- health-check-@a', 'unknown'],
  ['Lifeboat and Route 53 say so', 'write- read- api- own-network+ health-check-@r53', 'fail-over'],
  ['Lifeboat and somebody else say so', 'write- read- api- external-@pager', 'fail-over'],
  ['an alarm of another region says so, too', 'write- read- alarm-@cloudwatch', 'fail-over'],
  ['two vantage points', 'write-@a write-@b read- api-', 'fail-over'],
  [
    'the database is ill, the region is not',
    'write- read+ api+ health-check-@r53',
    'recover-in-region',
  ],
  [
    'reads come from a cache while the region is gone',
    'write- read+ api- health-check-@r53',
    'fail-over',
  ],
  ['nobody has tried to write', 'read- api- health-check-@r53 external-@pager', 'unknown'],
  ['the write has no answer yet', 'write? api- health-check-@r53 external-@pager', 'unknown'],
  ['other signals are unknown', 'write- health-check?@r53 external?@pager alarm?@cw', 'unknown'],
  ['nothing is seen', 'write? read? api?', 'unknown'],
])('%s', (_, text, verdict) => {
  const decision = decide(signals(text))
  expect(decision.verdict).toBe(verdict)
  expect(decision.failing).toEqual(text.split(' ').filter((word) => /-(@|$)/.test(word)))
})

test('losing any signal never turns into a failover', () => {
  for (const text of ['write- health-check-@r53', 'write+ api- health-check-@r53']) {
    const seen = signals(text)
    const before = decide(seen).verdict
    seen.forEach((_, lost) => {
      const less = seen.map((one, i): Signal => (i === lost ? { ...one, state: 'unknown' } : one))
      if (before !== 'fail-over') expect(decide(less).verdict).not.toBe('fail-over')
      else expect(decide(less).verdict).toBe('unknown')
    })
  }
})
