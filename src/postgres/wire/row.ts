/** One row, each value in PostgreSQL's text form. */
export type Row = Record<string, string | null>

export function columnNames(body: Buffer): string[] {
  const names: string[] = []
  let at = 2
  for (let column = 0; column < body.readInt16BE(0); column++) {
    const end = body.indexOf(0, at)
    names.push(body.toString('utf8', at, end))
    at = end + 19
  }
  return names
}

export function rowOf(columns: readonly string[], body: Buffer): Row {
  const values = readRow(body)
  return Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null]))
}

/** The values of a DataRow message, in order. */
export function readRow(body: Buffer): (string | null)[] {
  const values: (string | null)[] = []
  let at = 2
  for (let count = body.readInt16BE(0); count > 0; count--) {
    const length = body.readInt32BE(at)
    at += 4
    values.push(length < 0 ? null : body.toString('utf8', at, at + length))
    at += Math.max(length, 0)
  }
  return values
}
