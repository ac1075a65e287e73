import { S3Fault } from './faults.ts'

/** Bytes of an object; `to` is exclusive. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/**
 * Reads a Range header. One that is not well formed, or has several ranges, asks for all, as on AWS.
 *
 * @throws S3Fault `InvalidRange`
 */
export function rangeOf(text: string | undefined, sizeBytes: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text?.trim() ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const [, first, last] = match
  const from = first === '' ? Math.max(sizeBytes - Number(last), 0) : Number(first)
  const to = first === '' || last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  if (from < to) return { from, to }
  throw new S3Fault('InvalidRange', 'The requested range is not satisfiable', {
    elements: { RangeRequested: text ?? '', ActualObjectSize: `${sizeBytes}` },
    headers: { 'content-range': `bytes */${sizeBytes}` },
  })
}

/** The range of a part copy, which must be whole and inside. @throws S3Fault `InvalidArgument` */
export function copyRangeOf(text: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (text === undefined) return undefined
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text)
  const [from, to] = [Number(match?.[1]), Number(match?.[2]) + 1]
  if (match && from < to && to <= sizeBytes) return { from, to }
  throw new S3Fault(
    'InvalidArgument',
    match
      ? `Range specified is not valid for source object of size: ${sizeBytes}`
      : 'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    { elements: { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: text } },
  )
}
