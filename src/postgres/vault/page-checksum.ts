import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { PAGE_BYTES } from './extents.ts'

/** What one call may check: as much as one frame holds. */
export const PAGES_AT_ONCE = 32

export type PageVerdict = 'sound' | 'damaged' | 'empty'

type CheckPages = (pages: number, count: number, block: number, verdicts: number) => void

/** The little of WebAssembly that is used here; Node's own types leave it to the browser's. */
interface WebAssemblyApi {
  Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer }
  Module: new (code: Uint8Array) => object
  Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> }
}

const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi }

const VERDICTS: readonly PageVerdict[] = ['sound', 'damaged', 'empty']
const VERDICTS_AT = 1024
const PAGES_AT = 65_536

/**
 * Checks PostgreSQL's page checksums at memory speed, in WebAssembly SIMD.
 *
 * Read file data straight into `pages`; it lies in the module's own memory, so that nothing is copied.
 */
export class PageChecker {
  /** Room for `PAGES_AT_ONCE` pages. */
  readonly pages: Buffer
  readonly #verdicts: Uint8Array
  readonly #check: CheckPages

  constructor() {
    const memory = new WebAssembly.Memory({ initial: 6 })
    const code = readFileSync(fileURLToPath(new URL('page-checksum.wasm', import.meta.url)))
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } })
    this.#check = instance.exports.checkPages as CheckPages
    this.#verdicts = new Uint8Array(memory.buffer, VERDICTS_AT, PAGES_AT_ONCE)
    this.pages = Buffer.from(memory.buffer, PAGES_AT, PAGES_AT_ONCE * PAGE_BYTES)
  }

  /**
   * Verdicts on `count` pages that lie at byte `at` of `pages`, the first of them being block `block` of its relation.
   */
  check(at: number, count: number, block: number): PageVerdict[] {
    this.#check(PAGES_AT + at, count, block, VERDICTS_AT)
    return Array.from(this.#verdicts.subarray(0, count), (verdict) => VERDICTS[verdict]!)
  }

  /** The position of the last change to the page at byte `at`, from its header. */
  lsn(at: number): bigint {
    return (BigInt(this.pages.readUInt32LE(at)) << 32n) | BigInt(this.pages.readUInt32LE(at + 4))
  }
}
