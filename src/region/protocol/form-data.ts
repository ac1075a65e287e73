import { Fault } from './fault.ts'

/** The fields of a form that come before its file, and the file as it arrives. */
export interface FormData {
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>
  /** Undefined when the form ended without one. */
  readonly file: FormFile | undefined
}

export interface FormFile {
  readonly name: string | undefined
  /** To be read to its end. @throws Fault `IncompleteBody` */
  readonly body: AsyncGenerator<Buffer>
}

/** Source: S3 API Reference, "POST Object": all that comes before the file. In bytes. */
const MAX_FIELDS_BYTES = 20 * 1024
const FILE = 'file'
const END_OF_LINE = Buffer.from('\r\n')
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** The boundary that a content type names; undefined when it is no form with files. Source: RFC 7578, RFC 2046. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(
      contentType ?? '',
    ) ?? []
  return quoted ?? plain
}

/**
 * Reads a form up to its file, which may be of any length; what follows that is not looked at.
 *
 * @throws Fault `MalformedPOSTRequest`, `MaxPostPreDataLengthExceededError`, `IncompleteBody`, `InvalidArgument` for a field
 *   that comes twice
 */
export async function readFormData(
  source: AsyncIterable<Buffer>,
  boundary: string,
): Promise<FormData> {
  const reader = new PartReader(source, boundary)
  const fields = new Map<string, string>()
  for (;;) {
    const head = await reader.nextHead()
    if (head === undefined) return { fields, file: undefined }
    const { name, filename } = dispositionOf(head)
    if (name.toLowerCase() === FILE) {
      return { fields, file: { name: filename, body: reader.body() } }
    }
    const key = name.toLowerCase()
    if (fields.has(key)) {
      const message = `POST requires exactly one value of the field '${name}'.`
      throw refused('InvalidArgument', message)
    }
    fields.set(key, await reader.text())
  }
}

/** Cuts a stream at the lines that separate the parts of a form. */
class PartReader {
  readonly #source: AsyncIterator<Buffer>
  readonly #delimiter: Buffer
  /** The first delimiter has no line before it; so it gets one. */
  #pending: Buffer = END_OF_LINE
  #fieldsBytes = 0

  constructor(source: AsyncIterable<Buffer>, boundary: string) {
    this.#source = source[Symbol.asyncIterator]()
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
  }

  /** The head of the next part; undefined at the end. Anything before the first part is passed over. */
  async nextHead(): Promise<string | undefined> {
    await this.#until(this.#delimiter)
    while (this.#pending.length < 2) await this.#read()
    if (this.#pending.toString('latin1', 0, 2) === '--') return undefined
    return (await this.#until(END_OF_HEAD)).toString('utf8')
  }

  async text(): Promise<string> {
    const end = await this.#find(this.#delimiter)
    const bytes = this.#pending.subarray(0, end)
    this.#pending = this.#pending.subarray(end)
    return bytes.toString('utf8')
  }

  async *body(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const end = this.#pending.indexOf(this.#delimiter)
        if (end >= 0) {
          if (end > 0) yield this.#pending.subarray(0, end)
          this.#pending = Buffer.alloc(0)
          break
        }
        // The delimiter may have begun.
        const safe = this.#pending.length - this.#delimiter.length + 1
        if (safe > 0) {
          yield this.#pending.subarray(0, safe)
          this.#pending = this.#pending.subarray(safe)
        }
        await this.#read()
      }
      for (let rest = await this.#source.next(); !rest.done; rest = await this.#source.next()) {
        // What follows the file does not count, but is read, so that the client reads the answer.
      }
    } finally {
      await this.#source.return?.()
    }
  }

  /** Takes what stands before `mark`, and the mark itself. */
  async #until(mark: Buffer): Promise<Buffer> {
    const end = await this.#find(mark)
    const bytes = this.#pending.subarray(0, end)
    this.#pending = this.#pending.subarray(end + mark.length)
    return bytes
  }

  async #find(mark: Buffer): Promise<number> {
    for (;;) {
      const end = this.#pending.indexOf(mark)
      if (end >= 0) {
        this.#count(end + mark.length)
        return end
      }
      if (this.#pending.length > MAX_FIELDS_BYTES) throw tooLarge()
      await this.#read()
    }
  }

  #count(bytes: number): void {
    this.#fieldsBytes += bytes
    if (this.#fieldsBytes > MAX_FIELDS_BYTES) throw tooLarge()
  }

  async #read(): Promise<void> {
    const next = await this.#source.next()
    if (next.done) throw refused('IncompleteBody', 'The form ended before its last boundary.')
    this.#pending = Buffer.concat([this.#pending, next.value])
  }
}

function dispositionOf(head: string): { name: string; filename: string | undefined } {
  const line = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(head)?.[1]
  const parameters = new Map<string, string>()
  for (const [, key = '', quoted, plain] of (line ?? '').matchAll(
    /;\s*([a-z*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/gi,
  )) {
    parameters.set(key.toLowerCase(), quoted?.replace(/\\(["\\])/g, '$1') ?? plain ?? '')
  }
  const name = parameters.get('name')
  if (name === undefined) {
    throw refused(
      'MalformedPOSTRequest',
      'The body of your POST request is not well-formed multipart/form-data.',
    )
  }
  return { name, filename: extended(parameters.get('filename*')) ?? parameters.get('filename') }
}

/** `UTF-8''percent%20encoded`. Source: RFC 8187. */
function extended(text: string | undefined): string | undefined {
  const encoded = /^utf-8'[^']*'(.*)$/i.exec(text ?? '')?.[1]
  if (encoded === undefined) return undefined
  try {
    return decodeURIComponent(encoded)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

function tooLarge(): Fault {
  return refused(
    'MaxPostPreDataLengthExceededError',
    'Your POST request fields preceding the upload file were too large.',
  )
}

function refused(wireCode: string, message: string): Fault {
  return new Fault(wireCode, message, { wireCode, httpStatus: 400 })
}
