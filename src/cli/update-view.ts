import type { Update, UpdateDelivery } from '../recovery/notifications/updates.ts'

const WORDS: Readonly<Record<UpdateDelivery['state'], string>> = {
  due: '○ not sent yet',
  waits: '? waits for approval',
  sending: '▶ being sent',
  sent: '✔ sent',
  failed: '✘ not sent',
  unknown: '? unknown whether sent',
}

/** Updates with their text and where they went, for people. */
export function describeUpdates(updates: readonly Update[]): string {
  if (updates.length === 0) return 'no updates yet'
  return updates.map(describeUpdate).join('\n\n')
}

function describeUpdate({ id, at, phase, headline, lines, deliveries }: Update): string {
  return [
    `${id}   ${at}   ${phase}`,
    `  ${headline}`,
    ...lines.map((line) => `    ${line}`),
    ...(deliveries.length === 0 ? ['  – nobody is told of this: see notifications'] : []),
    ...deliveries.map((one) => `  ${deliveryWords(one)}`),
  ].join('\n')
}

function deliveryWords({ target, state, reason, by, at }: UpdateDelivery): string {
  const who = by === undefined ? '' : `, by ${by} at ${at?.toISOString()}`
  return `${WORDS[state]}: ${target}${reason === undefined ? '' : `, ${reason}`}${who}`
}

/** Lines of a report about who was told, and who was not; none where nobody was to be. */
export function describeNotified(updates: readonly Update[]): string[] {
  const all = updates.flatMap(({ id, deliveries }) => deliveries.map((one) => ({ id, ...one })))
  if (all.length === 0) return []
  const count = (state: UpdateDelivery['state']) => all.filter((one) => one.state === state).length
  const states = ['sent', 'failed', 'unknown', 'sending', 'due', 'waits'] as const
  const counts = states.filter((state) => count(state) > 0)
  const bad = all.filter(({ state }) => state === 'failed' || state === 'unknown')
  return [
    `  notifications  ${counts.map((state) => `${count(state)} ${COUNTED[state]}`).join(', ')}`,
    ...bad.map((one) => `                 ${deliveryWords(one)} (update ${one.id})`),
  ]
}

const COUNTED: Readonly<Record<UpdateDelivery['state'], string>> = {
  due: 'not sent yet',
  waits: 'wait for approval',
  sending: 'being sent',
  sent: 'sent',
  failed: 'not sent',
  unknown: 'unknown whether sent',
}
