import { parseQuery, type Query, type Question } from './query.ts'
import { type Answer, emptyAnswer, encodeResponse, RCODE, udpLimit } from './response.ts'

/** Who knows the answers; undefined for a name that is nobody's here. */
export interface Authority {
  /** Differs after every change of a record. */
  readonly version: number
  answer(question: Question): Answer | undefined
}

const OPCODE_QUERY = 0
const CLASS_IN = 1
const MAX_TCP_BYTES = 65_535

/** The response to a message, or undefined when it must not have one. Total: no message makes it throw. */
export function respond(
  message: Buffer,
  transport: 'udp' | 'tcp',
  authority: Authority,
): Buffer | undefined {
  const query = parseQuery(message)
  if (!query) return undefined
  const maxBytes = transport === 'udp' ? udpLimit(query) : MAX_TCP_BYTES
  return encodeResponse(query, answerTo(query, authority), maxBytes)
}

function answerTo({ opcode, question, edns }: Query, authority: Authority): Answer {
  if (opcode !== OPCODE_QUERY) return emptyAnswer(RCODE.notImplemented)
  if (!question) return emptyAnswer(RCODE.formatError)
  if (edns && edns.version !== 0) return emptyAnswer(RCODE.badVersion)
  if (question.class !== CLASS_IN) return emptyAnswer(RCODE.refused)
  return authority.answer(question) ?? emptyAnswer(RCODE.refused)
}
