import type { PutOptions } from '../../objectstore/put-options.ts'
import {
  type ChecksumAlgorithm,
  ContentClaim,
  digestName,
  type StoredChecksum,
} from './checksums.ts'
import { S3Fault } from './faults.ts'
import type { SizeLimits } from './post-policy.ts'
import type { S3Request } from './s3-request.ts'

/** Source: S3 User Guide, "Multipart upload limits": of one PUT. */
const MAX_UPLOAD_BYTES = 5 * 1024 ** 3

/** What AWS computes when a client names no algorithm. */
export const DEFAULT_ALGORITHM: ChecksumAlgorithm = 'CRC64NVME'

/** One body that is being uploaded, with what it must turn out to be. */
export class Upload {
  readonly #claim: ContentClaim
  readonly #kept: ChecksumAlgorithm
  readonly #contentLength: number | undefined
  readonly #limits: SizeLimits
  #claimed: StoredChecksum | undefined

  /**
   * @param o.kept    the algorithm of the checksum that is stored; by default the one that the client names
   * @param o.limits  of the length, where no header tells it before
   * @throws S3Fault `MissingContentLength`, `EntityTooLarge`, and as `ContentClaim`
   */
  constructor(
    request: S3Request,
    { kept, limits }: { kept?: ChecksumAlgorithm; limits?: SizeLimits } = {},
  ) {
    const { contentLength, headers, trailers } = request
    if (contentLength === undefined && !limits) {
      throw new S3Fault('MissingContentLength', 'You must provide the Content-Length HTTP header.')
    }
    if ((contentLength ?? 0) > MAX_UPLOAD_BYTES)
      throw tooLarge(contentLength ?? 0, MAX_UPLOAD_BYTES)
    this.#contentLength = contentLength
    this.#limits = limits ?? { min: 0, max: MAX_UPLOAD_BYTES }
    this.#claim = new ContentClaim(headers, trailers)
    this.#kept = kept ?? this.#claim.algorithm ?? DEFAULT_ALGORITHM
  }

  /** The algorithm that the client names. */
  get algorithm(): ChecksumAlgorithm | undefined {
    return this.#claim.algorithm
  }

  /** The checksum that the client named, once it has been verified. */
  get claimed(): StoredChecksum | undefined {
    return this.#claimed
  }

  /** Ends a body that becomes too long. @throws S3Fault `EntityTooLarge` */
  async *limited(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { max } = this.#limits
    let length = 0
    for await (const piece of body) {
      length += piece.length
      if (length > Math.min(max, MAX_UPLOAD_BYTES)) throw tooLarge(length, max)
      yield piece
    }
  }

  /** Lets the engine compute the digests, and check them before anything becomes visible. */
  options(): Pick<PutOptions, 'digests' | 'beforeCommit'> {
    const claimed = this.#claim.algorithm ?? this.#kept
    return {
      digests: [...new Set([digestName(this.#kept), digestName(claimed)])],
      beforeCommit: ({ sizeBytes, md5, digests }) => {
        if (sizeBytes !== (this.#contentLength ?? sizeBytes)) throw incompleteBody()
        if (sizeBytes < this.#limits.min) throw tooSmall(sizeBytes, this.#limits.min)
        const stored = (algorithm: ChecksumAlgorithm): StoredChecksum => ({
          algorithm,
          value: digests[digestName(algorithm)]!.toString('base64'),
          type: 'FULL_OBJECT',
        })
        const checksum = stored(claimed)
        this.#claim.verify({ md5, checksum: checksum.value })
        this.#claimed = checksum
        return { checksum: stored(this.#kept) }
      },
    }
  }
}

function tooLarge(size: number, max: number): S3Fault {
  return new S3Fault(
    'EntityTooLarge',
    'Your proposed upload exceeds the maximum allowed object size.',
    { elements: { ProposedSize: `${size}`, MaxSizeAllowed: `${max}` } },
  )
}

function tooSmall(size: number, min: number): S3Fault {
  return new S3Fault(
    'EntityTooSmall',
    'Your proposed upload is smaller than the minimum allowed size',
    { elements: { ProposedSize: `${size}`, MinSizeAllowed: `${min}` } },
  )
}

function incompleteBody() {
  return new S3Fault(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  )
}
