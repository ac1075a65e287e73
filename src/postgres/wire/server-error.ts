/** What a server says in an ErrorResponse, by field letter. Source: PostgreSQL manual, "Error and Notice Message Fields". */
export type ErrorFields = Readonly<Record<string, string | undefined>>

/** PostgreSQL refused a command. `sqlstate` is its five-character code, such as `42501`. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly sqlstate: string

  constructor(readonly fields: ErrorFields) {
    super(fields.M ?? 'the server gave no reason')
    this.sqlstate = fields.C ?? ''
  }
}

/** Reads the body of an ErrorResponse or NoticeResponse. */
export function fieldsOf(body: Buffer): ErrorFields {
  const fields: Record<string, string> = Object.create(null)
  let at = 0
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at + 1)
    if (end < 0) break
    fields[String.fromCharCode(body[at]!)] = body.toString('utf8', at + 1, end)
    at = end + 1
  }
  return fields
}
