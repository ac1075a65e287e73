/** What goes between two regions, in both directions: a document, then bytes of any number. */
export interface Message {
  readonly document: object
  readonly body: AsyncIterable<Buffer>
}

/** Far more than any document needs; a peer that sends more is none. */
const MAX_DOCUMENT_BYTES = 1 << 20
const NEWLINE = 0x0a

/** A document as one line. */
export function formatDocument(document: object): string {
  return `${JSON.stringify(document)}\n`
}

/** The bytes of a message: a line of JSON, and the body, read as it is taken. */
export async function* formatMessage(
  document: object,
  body: AsyncIterable<Buffer> = NOTHING,
): AsyncGenerator<Buffer> {
  yield Buffer.from(formatDocument(document))
  yield* body
}

/**
 * The inverse of `formatMessage`.
 *
 * @param pieces  stay the caller's to return, when the body is not read to its end
 * @throws MessageError when they are not those of a message
 */
export async function readMessage(pieces: AsyncIterator<Buffer>): Promise<Message> {
  const parts: Buffer[] = []
  for (let length = 0; length <= MAX_DOCUMENT_BYTES; length += parts.at(-1)!.length) {
    const { done, value } = await pieces.next()
    if (done) throw new MessageError('the message ended too early')
    const end = value.indexOf(NEWLINE)
    parts.push(end < 0 ? value : value.subarray(0, end))
    if (end < 0) continue
    return {
      document: documentIn(Buffer.concat(parts)),
      body: rest(value.subarray(end + 1), pieces),
    }
  }
  throw new MessageError('the document is too long')
}

export class MessageError extends Error {
  override readonly name = 'MessageError'
}

/** No bytes at all. */
export const NOTHING: AsyncIterable<Buffer> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
}

function documentIn(text: Buffer): object {
  try {
    const document: unknown = JSON.parse(text.toString())
    if (typeof document === 'object' && document !== null) return document
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new MessageError('the document is not a JSON object')
}

async function* rest(first: Buffer, pieces: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  for (;;) {
    const { done, value } = await pieces.next()
    if (done) return
    yield value
  }
}
