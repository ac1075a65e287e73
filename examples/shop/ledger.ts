import { type FileHandle, open } from 'node:fs/promises'

/**
 * A file of JSON lines, each on disk before `append` resolves.
 *
 * Lines that arrive while the disk is busy share the next flush.
 */
export class Ledger {
  private waiting: { line: string; resolve: () => void; reject: (error: unknown) => void }[] = []
  private flushing: Promise<void> | undefined

  private constructor(private readonly file: FileHandle) {}

  static async open(path: string): Promise<Ledger> {
    return new Ledger(await open(path, 'a', 0o644))
  }

  append(entry: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ line: `${JSON.stringify(entry)}\n`, resolve, reject })
      this.flushing ??= this.flush()
    })
  }

  async close(): Promise<void> {
    await this.flushing
    await this.file.close()
  }

  private async flush(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0)
      try {
        await this.file.write(batch.map(({ line }) => line).join(''))
        await this.file.datasync()
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.flushing = undefined
  }
}
