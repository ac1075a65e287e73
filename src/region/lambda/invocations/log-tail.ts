/** How much of a log `LogType: Tail` tells. Source: Lambda API Reference, Invoke, LogResult. */
const MAX_BYTES = 4096

/** The end of what was written, in bounded memory. */
export class LogTail {
  #kept = Buffer.alloc(0)

  append(chunk: Buffer | string): void {
    this.#kept = Buffer.concat([this.#kept, Buffer.from(chunk)]).subarray(-MAX_BYTES)
  }

  get base64(): string {
    return this.#kept.toString('base64')
  }
}
