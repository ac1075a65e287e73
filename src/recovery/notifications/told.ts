import { cell } from '../markdown.ts'
import type { Update } from './updates.ts'

/** Who was told what until now, as Markdown; the last update of an execution is drafted after its document. */
export function whoWasTold(updates: readonly Update[]): string[] {
  if (updates.length === 0) return ['Nobody yet.']
  return [
    '| Time (UTC) | Update | To |',
    '| --- | --- | --- |',
    ...updates.map(({ at, headline, deliveries }) => {
      const told = deliveries.map(({ target, state, by }) =>
        [`${target}: ${state}`, ...(by ? [`by ${by}`] : [])].join(' '),
      )
      return `| ${[at, headline, told.join('; ') || 'nobody'].map(cell).join(' | ')} |`
    }),
  ]
}
