import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { LifeboatError } from '../core/errors.ts'

interface Waiting {
  readonly change: () => unknown
  readonly frees: boolean
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** How many changes are synced together at most; bounds how long they keep others from running, and what they may write. */
const CHANGES_AT_ONCE = 256
/** More than so many changes write. A database that runs into the end of the disk fails in ways that nobody can answer for. */
const RESERVED_BYTES = 16 << 20
/** What of it changes may use that make space. */
const RESERVED_FOR_FREEING_BYTES = 14 << 20

/** Commits changes in the order in which they came; those that wait at the same time are synced together. */
export class GroupCommit {
  #waiting: Waiting[] = []
  #committing: Promise<void> | undefined

  constructor(
    private readonly root: RootDatabase,
    private readonly path: string,
  ) {}

  add<Result>(change: () => Result, { frees = false }: { frees?: boolean }): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, frees, resolve: (result) => resolve(result as Result), reject })
      this.#committing ??= this.#commitAll()
    })
  }

  async idle(): Promise<void> {
    await this.#committing
  }

  async #commitAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, CHANGES_AT_ONCE))
    this.#committing = undefined
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const available = await this.#availableBytes()
      const settled: (() => void)[] = []
      await this.root.transaction(() => {
        for (const { change, frees, resolve, reject } of batch) {
          try {
            const reserved = frees ? RESERVED_BYTES - RESERVED_FOR_FREEING_BYTES : RESERVED_BYTES
            if (available < reserved) throw diskFull(this.path)
            const result = this.root.childTransaction(change as () => Promise<unknown>)
            settled.push(() => resolve(result))
          } catch (error) {
            settled.push(() => reject(error))
          }
        }
      })
      for (const settle of settled) settle()
    } catch (error) {
      const cause = await commitErrorOf(error)
      for (const { reject } of batch) reject(cause)
    }
  }

  async #availableBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(dirname(this.path))
    return bavail * bsize
  }
}

/** LMDB puts the reason of a failed commit behind a promise of its own. */
async function commitErrorOf(error: unknown): Promise<unknown> {
  try {
    await (error as { commitError?: Promise<never> }).commitError
    return error
  } catch (cause) {
    return cause
  }
}

export function diskFull(path: string, cause?: unknown): LifeboatError {
  return new LifeboatError('DiskFull', `the disk that holds '${path}' is full`, {
    hint: 'Free some space; Lifeboat goes on by itself.',
    cause,
  })
}
