import { createHash } from 'node:crypto'
import { type DigestName, newDigest } from '../../objectstore/digest.ts'
import { S3Fault } from './faults.ts'

/** S3's names of checksum algorithms. Unlike AWS: the three of the XXHASH family are refused. */
const CHECKSUM_ALGORITHMS = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'MD5',
  'SHA1',
  'SHA256',
  'SHA512',
] as const

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number]

/** A checksum as it is kept with an object or a part. */
export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64; of a composite one, with `-` and the number of parts. */
  readonly value: string
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
}

const HEADER_PREFIX = 'x-amz-checksum-'

/** Headers of that prefix that hold no checksum. */
const OTHER_HEADERS = ['x-amz-checksum-mode', 'x-amz-checksum-type', 'x-amz-checksum-algorithm']

/** The engine's name. */
export function digestName(algorithm: ChecksumAlgorithm): DigestName {
  return algorithm.toLowerCase() as DigestName
}

/** @throws S3Fault `InvalidRequest` */
export function parseChecksumAlgorithm(text: string): ChecksumAlgorithm {
  const found = CHECKSUM_ALGORITHMS.find((name) => name === text.toUpperCase())
  if (found) return found
  throw new S3Fault(
    'InvalidRequest',
    `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(', ')}]`,
  )
}

/**
 * The checksum that a client claims for what it sends, in a header or, with no value yet, in the trailer.
 *
 * @throws S3Fault `InvalidRequest`
 */
export function claimedChecksum(
  headers: ReadonlyMap<string, string>,
): { algorithm: ChecksumAlgorithm; value: string | undefined } | undefined {
  const sent = [...headers].filter(
    ([name]) => name.startsWith(HEADER_PREFIX) && !OTHER_HEADERS.includes(name),
  )
  const announced = (headers.get('x-amz-trailer') ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name.startsWith(HEADER_PREFIX))
  if (sent.length + announced.length > 1) {
    throw new S3Fault(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  }
  const [name, value] = sent[0] ?? [announced[0], undefined]
  if (name === undefined) return undefined
  const algorithm = parseChecksumAlgorithm(name.slice(HEADER_PREFIX.length))
  if (value !== undefined) checkForm(algorithm, value)
  return { algorithm, value }
}

/** What an upload claims of its content, to be compared with what arrived. */
export class ContentClaim {
  readonly #md5: string | undefined
  readonly #checksum: ReturnType<typeof claimedChecksum>

  /** @throws S3Fault `InvalidDigest`, `InvalidRequest` */
  constructor(
    headers: ReadonlyMap<string, string>,
    private readonly trailers: ReadonlyMap<string, string>,
  ) {
    this.#md5 = checkedMd5(headers.get('content-md5'))
    this.#checksum = claimedChecksum(headers)
  }

  get algorithm(): ChecksumAlgorithm | undefined {
    return this.#checksum?.algorithm
  }

  /**
   * Compares; to be called when the body has ended, as a trailer is known then.
   *
   * @param md5  in hex
   * @throws S3Fault `BadDigest`, `InvalidRequest`
   */
  verify({ md5, checksum }: { md5: string; checksum: string | undefined }): void {
    if (this.#md5 !== undefined && this.#md5 !== md5) {
      throw new S3Fault(
        'BadDigest',
        'The Content-MD5 you specified did not match what we received.',
      )
    }
    if (!this.#checksum) return
    const { algorithm } = this.#checksum
    const name = `${HEADER_PREFIX}${algorithm.toLowerCase()}`
    const claimed = this.#checksum.value ?? this.trailers.get(name) ?? ''
    checkForm(algorithm, claimed)
    if (claimed !== checksum) {
      const message = `The ${algorithm} you specified did not match the calculated checksum.`
      throw new S3Fault('BadDigest', message)
    }
  }
}

/** Verifies what a client claims of a body that is in memory. @throws as `ContentClaim` */
export function verifyWholeBody(
  body: Buffer,
  headers: ReadonlyMap<string, string>,
  trailers: ReadonlyMap<string, string>,
): void {
  const claim = new ContentClaim(headers, trailers)
  claim.verify({
    md5: createHash('md5').update(body).digest('hex'),
    checksum: claim.algorithm && digestOf(claim.algorithm, body).toString('base64'),
  })
}

export function digestOf(algorithm: ChecksumAlgorithm, bytes: Buffer): Buffer {
  const digest = newDigest(digestName(algorithm))
  digest.update(bytes)
  return digest.digest()
}

/** The members of an output that carry a checksum. */
export function checksumMembers(checksum: StoredChecksum | undefined): Record<string, string> {
  if (!checksum) return {}
  return { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type }
}

/** In hex, from the base64 that a client sends. */
function checkedMd5(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 16 && bytes.toString('base64') === text) return bytes.toString('hex')
  throw new S3Fault('InvalidDigest', 'The Content-MD5 you specified was invalid.')
}

const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  MD5: 16,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
}

function checkForm(algorithm: ChecksumAlgorithm, text: string): void {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === DIGEST_BYTES[algorithm] && bytes.toString('base64') === text) return
  throw new S3Fault(
    'InvalidRequest',
    `Value for ${HEADER_PREFIX}${algorithm.toLowerCase()} header is invalid.`,
  )
}
