import { LifeboatError } from '../../core/errors.ts'
import { type Lsn, parseLsn } from '../../core/lsn.ts'
import { Connection } from './connection.ts'
import type { ConnectionTarget } from './connection-target.ts'
import type { Message } from './message-stream.ts'
import { readRow } from './row.ts'
import { fieldsOf, ServerError } from './server-error.ts'

/** A piece of a base backup: the beginning of a tar archive, or some bytes of it. */
export type ArchivePiece = { readonly archive: string } | { readonly bytes: Buffer }

/**
 * A base backup that a server sends: first where it begins, then its files as tar archives, `base.tar` and one for each
 * tablespace, then where it ends. Read no faster than its reader.
 *
 * Source: PostgreSQL manual (15 and later), "Streaming Replication Protocol", BASE_BACKUP.
 */
export class BaseBackupStream {
  #stopLsn: Lsn | undefined

  private constructor(
    private readonly connection: Connection,
    readonly startLsn: Lsn,
    readonly timeline: number,
  ) {}

  /**
   * @param o.verifyChecksums  whether the server checks each page, and fails at the end when one is damaged
   * @throws LifeboatError `DatabaseUnreachable`, `CredentialsRefused`; ServerError
   */
  static async begin(
    target: ConnectionTarget,
    label: string,
    { verifyChecksums = false }: { verifyChecksums?: boolean } = {},
  ): Promise<BaseBackupStream> {
    const connection = await Connection.open(target, { replication: true })
    try {
      const options = `LABEL '${label}', CHECKPOINT 'fast', WAIT false, MANIFEST 'no', VERIFY_CHECKSUMS ${verifyChecksums}`
      connection.send('Q', Buffer.from(`BASE_BACKUP (${options})\0`))
      const [start] = await readResult(connection)
      await readResult(connection)
      const [startLsn, timeline] = start ?? []
      return new BaseBackupStream(connection, parseLsn(startLsn ?? ''), Number(timeline))
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  /** Everything, in order. Afterwards `stopLsn` is known. */
  async *pieces(): AsyncGenerator<ArchivePiece> {
    for (;;) {
      const { type, body } = await this.connection.receive()
      if (type === 'E') throw new ServerError(fieldsOf(body))
      if (type === 'c') break
      if (type !== 'd') continue
      const kind = String.fromCharCode(body[0]!)
      if (kind === 'n') yield { archive: body.toString('utf8', 1, body.indexOf(0, 1)) }
      else if (kind === 'd') yield { bytes: body.subarray(1) }
    }
    const [end] = await readResult(this.connection)
    this.#stopLsn = parseLsn(end?.[0] ?? '')
    // A server tells at its very end that a page was damaged.
    for (let last = ''; last !== 'Z'; ) {
      const { type, body } = await this.connection.receive()
      if (type === 'E') throw new ServerError(fieldsOf(body))
      last = type
    }
  }

  /** @throws LifeboatError `BackupFailed` before all pieces were read */
  get stopLsn(): Lsn {
    if (this.#stopLsn !== undefined) return this.#stopLsn
    throw new LifeboatError('BackupFailed', 'the base backup has not been read to its end')
  }

  /** Ends the connection at once, also in the middle. */
  destroy(): void {
    this.connection.destroy()
  }
}

/** One result set: its rows, values in their order. */
async function readResult(connection: Connection): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = []
  for (;;) {
    const { type, body }: Message = await connection.receive()
    if (type === 'E') throw new ServerError(fieldsOf(body))
    if (type === 'D') rows.push(readRow(body))
    if (type === 'C') return rows
  }
}
