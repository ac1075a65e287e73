import type { DescribeEventsMessage } from '../../protocol/models/rds.ts'
import { keyOf, type RecordedEvent } from '../events.ts'
import { invalidCombination, invalidValue } from '../faults.ts'
import { passes } from '../filters.ts'
import { pageOf } from '../page.ts'
import type { Rds } from '../rds.ts'

const SOURCES = ['db-instance', 'db-snapshot', 'db-parameter-group']
/** Source: API Reference, DescribeEvents: the past hour, unless told otherwise. */
const USUAL_MINUTES = 60
const MOST_MINUTES = 14 * 24 * 60

/** DescribeEvents: what happened, oldest first. Source: Amazon RDS API Reference, DescribeEvents. */
export async function describeEvents(rds: Rds, input: DescribeEventsMessage) {
  passes(input.Filters, {})
  const { SourceIdentifier, SourceType, EventCategories: categories = [] } = input
  if (SourceIdentifier !== undefined && SourceType === undefined) {
    throw invalidCombination('SourceType must be given when SourceIdentifier is.')
  }
  if (SourceType !== undefined && !SOURCES.includes(SourceType)) {
    throw invalidValue(`The source type ${SourceType} is not available in an embedded region.`)
  }
  const { start, end } = span(rds, input)
  const matching = rds.events
    .list()
    .filter(({ source }) => SourceType === undefined || source === SourceType)
    .filter(
      ({ identifier }) =>
        SourceIdentifier === undefined || identifier === SourceIdentifier.toLowerCase(),
    )
    .filter(({ category }) => categories.length === 0 || categories.includes(category))
    .filter(({ at }) => Date.parse(at) >= start && Date.parse(at) <= end)
  const { items, next } = pageOf(matching, input, keyOf)
  return { Events: items.map(shapeOf), ...next }
}

function span(rds: Rds, { StartTime, EndTime, Duration }: DescribeEventsMessage) {
  if (StartTime !== undefined && Duration !== undefined) {
    throw invalidCombination('StartTime and Duration can not both be given.')
  }
  const minutes = Duration ?? USUAL_MINUTES
  if (minutes < 1 || minutes > MOST_MINUTES) {
    throw invalidValue(`Duration must be between 1 and ${MOST_MINUTES} minutes.`)
  }
  const end = EndTime?.getTime() ?? rds.clock.now().getTime()
  const start = StartTime?.getTime() ?? end - minutes * 60_000
  if (start > end) throw invalidValue('StartTime must be before EndTime.')
  return { start, end }
}

function shapeOf(event: RecordedEvent) {
  return {
    SourceIdentifier: event.identifier,
    SourceType: event.source,
    SourceArn: event.arn,
    Message: event.message,
    EventCategories: [event.category],
    Date: new Date(event.at),
  }
}
